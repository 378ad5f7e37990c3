import { Alert, Code, Stack, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import type { QueryFailure } from './sql-run.ts'

import classes from './sql.module.css'

interface ErrorReportProps {
  error: QueryFailure
  /** What was sent, which `error.position` is a place of. */
  sql: string
}

/** What PostgreSQL objects to, where, and what it advises. */
export function ErrorReport({ error, sql }: ErrorReportProps): ReactNode {
  const { message, code, detail, hint, where, position } = error
  return (
    <Stack p="md" gap="sm" className={classes['scrolling'] ?? ''} tabIndex={0}>
      <Alert color="red" icon={<IconAlertTriangle size={18} />} role="alert" title={message}>
        <Stack gap={4}>
          {detail !== undefined && <Text size="sm">{detail}</Text>}
          {hint !== undefined && <Text size="sm">Hint: {hint}</Text>}
          {where !== undefined && (
            <Text size="sm" c="var(--faint)">
              {where}
            </Text>
          )}
          <Text size="xs" c="var(--faint)">
            SQLSTATE <Code>{code}</Code>. What came before has been done; what comes after has not
            been run.
          </Text>
        </Stack>
      </Alert>
      {position !== undefined && <pre className={classes['snippet']}>{pointAt(sql, position)}</pre>}
    </Stack>
  )
}

/** The line of a place, with an arrow below it. */
function pointAt(sql: string, position: number): string {
  const from = sql.lastIndexOf('\n', position - 1) + 1
  const end = sql.indexOf('\n', position)
  const line = sql.slice(from, end === -1 ? undefined : end)
  // Tabs stay, so that the arrow stands where it should.
  const before = line.slice(0, position - from).replaceAll(/[^\t]/g, ' ')
  return `${line}\n${before}^`
}

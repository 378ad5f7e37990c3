import { Button, Group, Modal, Stack, Text, Textarea } from '@mantine/core'
import { type KeyboardEvent, type ReactNode, useState } from 'react'

import type { TableColumn } from '../../sql/catalog.ts'
import { isCode, isJson } from './cells.ts'
import { formatJson } from './format-json.ts'

interface LongEditorProps {
  column: TableColumn
  value: string | null | undefined
  isNew: boolean
  /** What has been typed in the cell before. */
  draft?: string | undefined
  onCommit: (value: string | null | undefined) => void
  onCancel: () => void
}

/** Edits a value of many lines; JSON is checked as it is typed. */
export function LongEditor(props: LongEditorProps): ReactNode {
  const { column, value, isNew, onCommit, onCancel } = props
  const [text, setText] = useState(props.draft ?? value ?? '')
  const problem = isJson(column) && text.trim() !== '' ? jsonProblem(text) : undefined
  // Nobody has typed: NULL stays NULL.
  const typed = text === (value ?? '') ? value : text
  const canKeep = problem === undefined
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && canKeep) onCommit(typed)
  }
  return (
    <Modal opened onClose={onCancel} title={column.name} size="lg">
      <Stack gap="sm" onKeyDown={onKeyDown}>
        <Textarea
          label={`New value of ${column.name}`}
          description={column.type}
          data-autofocus
          autosize
          minRows={6}
          maxRows={20}
          spellCheck={!isCode(column)}
          styles={
            isCode(column) ? { input: { fontFamily: 'var(--mantine-font-family-monospace)' } } : {}
          }
          placeholder={value === null ? 'NULL' : ''}
          value={text}
          error={problem}
          onChange={({ currentTarget }) => setText(currentTarget.value)}
        />
        <Group justify="space-between" gap="xs">
          <Group gap="xs">
            {!column.not_null && (
              <Button variant="default" onClick={() => onCommit(null)}>
                Set to NULL
              </Button>
            )}
            {isNew && (
              <Button variant="default" onClick={() => onCommit(undefined)}>
                Set to default
              </Button>
            )}
            {isJson(column) && (
              <Button
                variant="default"
                disabled={problem !== undefined || text.trim() === ''}
                onClick={() => setText(formatJson(text))}
              >
                Format
              </Button>
            )}
          </Group>
          <Group gap="xs">
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
            <Button disabled={!canKeep} onClick={() => onCommit(typed)}>
              Keep
            </Button>
          </Group>
        </Group>
        <Text size="xs" c="var(--faint)">
          Ctrl Enter keeps it. Nothing is written before you have reviewed it.
        </Text>
      </Stack>
    </Modal>
  )
}

/** What is wrong with it. Numbers are not looked at more closely: PostgreSQL keeps more digits. */
function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return error instanceof Error ? `This is not JSON: ${error.message}` : 'This is not JSON'
  }
}

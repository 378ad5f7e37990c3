import { Button, Group, Modal, SimpleGrid, Stack, Text } from '@mantine/core'
import { IconTerminal2 } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Link } from 'react-router'

import type { QuietPlace } from '../../api/quiet-query.ts'
import { paths } from '../../paths.ts'
import { CopyIcon } from '../../ui/CopyField.tsx'
import { formatBytes, formatMilliseconds } from '../../ui/format.ts'
import { SqlText } from '../../ui/SqlText.tsx'
import type { CountedStatement } from './catalog-queries.ts'
import { explainOf, formatShort } from './statement-text.ts'

interface StatementDetailsProps {
  place: QuietPlace
  statement: CountedStatement
  /** Of the time of all, from 0 to 1. */
  share: number
  onClose: () => void
}

/** All that is counted of a statement, with its whole text. */
export function StatementDetails(props: StatementDetailsProps): ReactNode {
  const { statement, share, place, onClose } = props
  const { query, calls, rows, blocksHit, blocksRead } = statement
  const blocks = blocksHit + blocksRead
  const figures: readonly (readonly [string, string, (string | undefined)?])[] = [
    ['Total time', formatMilliseconds(statement.totalMs), `${(share * 100).toFixed(1)} % of all`],
    [
      'Mean time',
      formatShort(statement.meanMs),
      `${formatShort(statement.minMs)} to ${formatShort(statement.maxMs)}`,
    ],
    ['Deviation', formatShort(statement.deviationMs)],
    ['Calls', calls.toLocaleString(), `as ${statement.role}`],
    ['Rows', rows.toLocaleString(), `${(rows / Math.max(1, calls)).toFixed(1)} each time`],
    [
      'Blocks read',
      blocksRead.toLocaleString(),
      blocks > 0 ? `${((100 * blocksHit) / blocks).toFixed(1)} % were cached` : undefined,
    ],
    ['Temporary blocks', statement.tempBlocks.toLocaleString()],
    ['WAL', formatBytes(statement.walBytes)],
  ]
  const { projectId, branchId, database } = place
  const search = new URLSearchParams({ branch: branchId, database, sql: explainOf(query) })
  return (
    <Modal opened onClose={onClose} title="Statement" size="xl">
      <Stack gap="md">
        <SqlText sql={query} />
        <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="md">
          {figures.map(([name, value, note]) => (
            <div key={name}>
              <Text size="xs" c="var(--faint)">
                {name}
              </Text>
              <Text fw={600} className="figures">
                {value}
              </Text>
              {note !== undefined && (
                <Text size="xs" c="var(--faint)">
                  {note}
                </Text>
              )}
            </div>
          ))}
        </SimpleGrid>
        <Group justify="flex-end" gap="xs">
          <CopyIcon value={query} label="Copy statement" />
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          <Button
            component={Link}
            to={`${paths.sql(projectId)}?${search}`}
            leftSection={<IconTerminal2 size={16} />}
          >
            Explain in SQL editor
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

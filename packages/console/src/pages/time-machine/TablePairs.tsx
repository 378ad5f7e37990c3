import { Button, Text, TextInput, UnstyledButton } from '@mantine/core'
import { IconSearch, IconTable } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'

import { countedMax, differs, type Table, type TablePair } from './tables.ts'

import classes from './then-and-now.module.css'

interface TablePairsProps {
  pairs: readonly TablePair[]
  onPreview: (table: Table) => void
}

const shownAtFirst = 8

/** Each table with how many rows it had and has; one that is chosen is shown. */
export function TablePairs({ pairs, onPreview }: TablePairsProps): ReactNode {
  const [search, setSearch] = useState('')
  const [isAll, setIsAll] = useState(false)
  const found = pairs.filter(({ name }) => name.toLowerCase().includes(search.toLowerCase()))
  const shown = isAll ? found : found.slice(0, shownAtFirst)
  if (pairs.length === 0) {
    return (
      <Text size="sm" c="var(--faint)">
        There are no tables that this role may read, neither then nor now. A query can look at
        anything else.
      </Text>
    )
  }
  return (
    <div>
      {pairs.length > shownAtFirst && (
        <TextInput
          aria-label="Search tables"
          placeholder="Search tables"
          size="xs"
          mb="xs"
          maw={260}
          leftSection={<IconSearch size={14} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      )}
      <ul className={classes['pairs']} aria-label="Tables">
        {shown.map((pair) => (
          <li key={pair.name}>
            <UnstyledButton
              className={classes['pair'] ?? ''}
              data-differs={differs(pair) || undefined}
              disabled={pair.present === undefined && pair.past === undefined}
              onClick={() => {
                const table = pair.present ?? pair.past
                if (table) onPreview(table)
              }}
            >
              <span className={classes['pairName']}>
                <IconTable size={14} aria-hidden /> <span>{pair.name}</span>
              </span>
              <span className={classes['counts']}>
                {rowsOf(pair.past)} <span aria-label="then, now">→</span> {rowsOf(pair.present)}
              </span>
              <span className={classes['delta']}>{deltaOf(pair)}</span>
            </UnstyledButton>
          </li>
        ))}
      </ul>
      {found.length > shown.length && (
        <Button variant="subtle" size="compact-sm" mt={6} onClick={() => setIsAll(true)}>
          All {found.length} tables
        </Button>
      )}
    </div>
  )
}

function rowsOf(table: Table | undefined): string {
  if (table === undefined) return 'not there'
  if (table.rows === undefined) return 'not counted'
  if (table.rows > countedMax) return `over ${countedMax.toLocaleString()}`
  return table.rows.toLocaleString()
}

function deltaOf({ past, present }: TablePair): string {
  if (past?.rows === undefined || present?.rows === undefined || past.rows === present.rows)
    return ''
  if (Math.max(past.rows, present.rows) > countedMax) return ''
  const delta = present.rows - past.rows
  return delta > 0 ? `+${delta.toLocaleString()}` : `−${Math.abs(delta).toLocaleString()}`
}

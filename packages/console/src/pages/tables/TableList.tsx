import { Text, TextInput } from '@mantine/core'
import {
  type Icon,
  IconEye,
  IconFolder,
  IconSearch,
  IconStack2,
  IconTable,
  IconTableOptions,
  IconWorld,
} from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useMemo, useRef, useState } from 'react'
import { Link } from 'react-router'

import { kindNames, type Relation, type RelationKind } from '../../sql/catalog.ts'
import type { TableName } from '../../sql/quote.ts'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'

import classes from './tables.module.css'

const icons: Readonly<Record<RelationKind, Icon>> = {
  r: IconTable,
  p: IconStack2,
  v: IconEye,
  m: IconTableOptions,
  f: IconWorld,
}

const headHeight = 30
const itemHeight = 32

type Item = { schema: string } | { relation: Relation }

interface TableListProps {
  relations: readonly Relation[]
  current: TableName | undefined
  linkTo: (table: TableName) => string
}

/** Everything of a database that has rows, by schema; only what is in sight is drawn. */
export function TableList({ relations, current, linkTo }: TableListProps): ReactNode {
  const [search, setSearch] = useState('')
  const items = useMemo(() => listItems(relations, search), [relations, search])
  const scroller = useRef<HTMLDivElement>(null)
  const virtualizer = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: (at) => (items[at] && 'schema' in items[at] ? headHeight : itemHeight),
    overscan: 10,
  })
  return (
    <Panel flush>
      <TextInput
        aria-label="Search tables"
        placeholder={`Search ${relations.length} ${relations.length === 1 ? 'table' : 'tables'}`}
        leftSection={<IconSearch size={15} />}
        size="xs"
        m={8}
        mb={4}
        value={search}
        onChange={({ currentTarget }) => setSearch(currentTarget.value)}
      />
      <nav ref={scroller} className={classes['listScroller']} aria-label="Tables" tabIndex={-1}>
        <div className={classes['listBody']} style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map(({ index, start, size }) => {
            const item = items[index]
            if (item === undefined) return null
            const style = { height: size, transform: `translateY(${start}px)` }
            return 'schema' in item ? (
              <div key={item.schema} className={classes['schema']} style={style}>
                <IconFolder size={14} aria-hidden />
                <Text span truncate fz="inherit" fw="inherit">
                  {item.schema}
                </Text>
              </div>
            ) : (
              <RelationLink
                key={`${item.relation.schema} ${item.relation.name}`}
                relation={item.relation}
                isCurrent={
                  item.relation.schema === current?.schema && item.relation.name === current.name
                }
                to={linkTo(item.relation)}
                style={style}
              />
            )
          })}
        </div>
        {items.length === 0 && (
          <Text size="sm" c="var(--faint)" p="xs">
            No table has that in its name.
          </Text>
        )}
      </nav>
    </Panel>
  )
}

interface RelationLinkProps {
  relation: Relation
  isCurrent: boolean
  to: string
  style: React.CSSProperties
}

function RelationLink({ relation, isCurrent, to, style }: RelationLinkProps): ReactNode {
  const { name, kind, estimated_rows, size_bytes, parent } = relation
  const Glyph = icons[kind]
  const facts = [
    kindNames[kind],
    ...(estimated_rows === null ? [] : [`about ${formatCount(estimated_rows)} rows`]),
    ...(kind === 'v' || kind === 'f' ? [] : [formatBytes(size_bytes)]),
  ]
  return (
    <Link
      to={to}
      className={classes['relation']}
      style={style}
      title={`${name}: ${facts.join(', ')}`}
      aria-current={isCurrent ? 'page' : undefined}
      data-partition={parent !== null || undefined}
    >
      <Glyph size={15} stroke={1.7} aria-label={kindNames[kind]} />
      <span className={classes['relationName']}>{name}</span>
      {estimated_rows !== null && kind !== 'p' && (
        <span className={classes['relationRows']}>{formatCount(estimated_rows)}</span>
      )}
    </Link>
  )
}

function listItems(relations: readonly Relation[], search: string): Item[] {
  const words = search.trim().toLowerCase()
  const items: Item[] = []
  let schema: string | undefined
  for (const relation of relations) {
    if (!`${relation.schema}.${relation.name}`.toLowerCase().includes(words)) continue
    if (relation.schema !== schema) items.push({ schema: relation.schema })
    schema = relation.schema
    items.push({ relation })
  }
  return items
}

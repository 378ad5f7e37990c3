import { ActionIcon, Button, Menu, Text, Tooltip } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import {
  IconArrowBackUp,
  IconCopy,
  IconDots,
  IconLayoutSidebarRightExpand,
  IconPlus,
  IconRefresh,
  IconTableOff,
  IconTrash,
} from '@tabler/icons-react'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useCallback, useMemo, useState } from 'react'

import type { SqlPlace } from '../../api/run-sql.ts'
import { describeFailure } from '../../api/use-action.ts'
import type { TableColumn, TableDetails } from '../../sql/catalog.ts'
import type { Values } from '../../sql/transaction.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorState } from '../../ui/ErrorState.tsx'
import { formatCount } from '../../ui/format.ts'
import { QueryView } from '../../ui/QueryView.tsx'
import { editorOf, fixedReason, isCut, pointedAt } from './cells.ts'
import { ColumnChooser, FilterBar } from './FilterBar.tsx'
import { type GridRow, gridRows } from './grid-rows.ts'
import { LongEditor } from './LongEditor.tsx'
import { addRow, deleteRow, editCell, editNewRow, type Pending, undo } from './pending.ts'
import { type CellPlace, RowGrid } from './RowGrid.tsx'
import { countQuery, placeKey, readWholeRow, type RowsSpec, rowsQuery } from './table-queries.ts'
import type { useTableAddress } from './use-table-address.ts'

import classes from './tables.module.css'

interface RowsTabProps extends ReturnType<typeof useTableAddress> {
  place: SqlPlace
  details: TableDetails
  pending: Pending
  onPending: (change: (pending: Pending) => Pending) => void
  /** Why nothing can be changed; undefined where it can. */
  readOnly: string | undefined
}

/** A cell that is being edited, with its whole value. */
interface Editing extends CellPlace {
  value: string | null | undefined
  draft?: string
  isLarge: boolean
}

/** The rows of a table: found, put in order, and edited. */
export function RowsTab(props: RowsTabProps): ReactNode {
  const { place, details, address, change, pending, onPending, readOnly } = props
  const client = useQueryClient()
  const [where, setWhere] = useState('')
  const [editing, setEditing] = useState<Editing>()
  const spec = useRowsSpec(details, address, where)
  const query = useInfiniteQuery(rowsQuery(place, spec))
  const { fetchNextPage, hasNextPage, isFetchingNextPage, isFetchNextPageError } = query
  const read = useMemo(() => query.data?.pages.flatMap(({ rows }) => rows) ?? [], [query.data])
  const rows = useMemo(() => gridRows(details, read, pending), [details, read, pending])
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage])
  const canUpdate = readOnly === undefined && details.privileges.update
  const canInsert = readOnly === undefined && details.privileges.insert

  const wholeValues = async (row: GridRow): Promise<Values | undefined> => {
    if (row.version === undefined) return undefined
    try {
      const whole = await readWholeRow(place, details, row.version.key)
      if (whole?.version?.xmin === row.version.xmin) return { ...whole.values, ...changed(row) }
      tell('Somebody has changed this row since you read it. Refresh to see it as it is.')
    } catch (error) {
      tell(describeFailure(error))
    }
    return undefined
  }
  const edit = async ({ row, column }: CellPlace): Promise<void> => {
    const fixed = fixedReason(column)
    if (row.change?.kind === 'delete' || !(row.isNew ? canInsert : canUpdate && row.version)) return
    if (fixed !== undefined) return tell(`PostgreSQL gives ${column.name} its value: ${fixed}.`)
    const shown = row.values[column.name]
    let value = shown
    if (shown !== undefined && isCut(column, shown) && !Object.hasOwn(changed(row), column.name)) {
      const values = await wholeValues(row)
      if (values === undefined) return
      value = values[column.name]
    }
    setEditing({ row, column, value, isLarge: editorOf(column, value ?? null) === 'long' })
  }
  const commit = ({ row, column }: CellPlace, value: string | null | undefined): void => {
    const before = editing?.value
    setEditing(undefined)
    if (value === before) return
    onPending((all) => {
      if (row.isNew) return editNewRow(all, row.id, column.name, value)
      if (row.version === undefined || value === undefined) return all
      const isEdited = Object.hasOwn(changed(row), column.name)
      // Of a value that is cut in the grid, the editor has had the whole.
      const old = isEdited ? row.read[column.name] : before
      const cell = { table: nameOf(details), row: row.version, column: column.name }
      return editCell(all, { ...cell, before: old ?? null, value })
    })
  }
  const duplicate = async (row: GridRow): Promise<void> => {
    const values = row.isNew ? changed(row) : await wholeValues(row)
    if (values === undefined) return
    const kept = details.columns.filter((column) => !isGiven(column, details.key))
    const copy = kept.flatMap(({ name }) => {
      const value = values[name]
      return value === undefined ? [] : [[name, value] as const]
    })
    onPending((all) => addRow(all, nameOf(details), Object.fromEntries(copy), crypto.randomUUID()))
  }
  const remove = (row: GridRow): void =>
    onPending((all) => {
      if (row.isNew) return undo(all, row.id)
      return row.version ? deleteRow(all, nameOf(details), row.version, row.read) : all
    })
  const open = (row: GridRow): void => {
    if (row.version) change({ row: { ...row.version.key } })
  }
  const refresh = (): void => void client.invalidateQueries({ queryKey: placeKey(place) })
  return (
    <>
      <div className={classes['toolbar']}>
        <FilterBar
          columns={details.columns}
          filters={address.filters}
          onFilters={(filters) => change({ filters })}
          where={where}
          onWhere={setWhere}
        />
        <span style={{ flex: 1 }} />
        <ColumnChooser
          columns={details.columns}
          hidden={address.hidden}
          onHidden={(hidden) => change({ hidden }, { replace: true })}
        />
        <Tooltip label="Read the rows anew">
          <ActionIcon variant="default" size={30} aria-label="Refresh" onClick={refresh}>
            <IconRefresh size={15} />
          </ActionIcon>
        </Tooltip>
        {canInsert && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} />}
            onClick={() =>
              onPending((all) => addRow(all, nameOf(details), {}, crypto.randomUUID()))
            }
          >
            Row
          </Button>
        )}
      </div>
      <QueryView query={query} skeletonLines={10}>
        {() =>
          rows.length === 0 ? (
            <NoRows isFiltered={address.filters.length > 0 || where !== ''} />
          ) : (
            <RowGrid
              label={`Rows of ${details.name}`}
              rows={rows}
              columns={spec.columns}
              keyColumns={details.key ?? []}
              sort={address.sort}
              onSort={({ name }) => change({ sort: nextSort(address.sort, name) })}
              isLoadingMore={isFetchingNextPage}
              onEnd={onEnd}
              canEdit={canUpdate}
              editing={editing?.isLarge ? undefined : editing}
              onEdit={(cell) => void edit(cell)}
              onCommit={commit}
              onCancel={() => setEditing(undefined)}
              onEnlarge={(cell, draft) =>
                setEditing({ ...cell, value: editing?.value, draft, isLarge: true })
              }
              onOpen={open}
              linkOf={(cell) => linkOf(details, cell, props.linkTo)}
              lead={(row) => (
                <RowMenu
                  row={row}
                  canInsert={canInsert}
                  canDelete={readOnly === undefined && details.privileges.delete}
                  onOpen={() => open(row)}
                  onDuplicate={() => void duplicate(row)}
                  onDelete={() => remove(row)}
                  onUndo={() => onPending((all) => undo(all, row.change?.id ?? ''))}
                />
              )}
            />
          )
        }
      </QueryView>
      {isFetchNextPageError && query.data && (
        <ErrorState error={query.error} onRetry={() => void fetchNextPage()} />
      )}
      <Status
        place={place}
        spec={spec}
        shown={read.length}
        isAll={!hasNextPage && query.data !== undefined}
        readOnly={readOnly}
      />
      {editing?.isLarge && (
        <LongEditor
          column={editing.column}
          value={editing.value}
          draft={editing.draft}
          isNew={editing.row.isNew}
          onCommit={(value) => commit(editing, value)}
          onCancel={() => setEditing(undefined)}
        />
      )}
    </>
  )
}

const nameOf = ({ schema, name }: TableDetails) => ({ schema, name })

const tell = (message: string): void =>
  void notifications.show({ title: 'This cannot be edited', message, color: 'yellow' })

/** Values that are not written yet. */
const changed = ({ change }: GridRow): Values =>
  change === undefined || change.kind === 'delete' ? {} : change.values

/** Whether a copy gets another value by itself. */
function isGiven(column: TableColumn, key: readonly string[] | null): boolean {
  if (fixedReason(column) !== undefined) return true
  const hasDefault = column.default !== null || column.identity !== ''
  return hasDefault && (key?.includes(column.name) ?? false)
}

type Sort = RowsTabProps['address']['sort']

/** Up, down, and as it was. */
function nextSort(sort: Sort, column: string): Sort {
  if (sort?.column !== column) return { column, descending: false }
  return sort.descending ? undefined : { column, descending: true }
}

function useRowsSpec(
  details: TableDetails,
  { filters, hidden, sort }: RowsTabProps['address'],
  where: string,
): RowsSpec {
  return useMemo(() => {
    const sorted = details.columns.find(({ name }) => name === sort?.column)
    return {
      details,
      columns: details.columns.filter(({ name }) => !hidden.includes(name)),
      sort: sorted && sort ? { column: sorted, descending: sort.descending } : undefined,
      filters,
      where,
    }
  }, [details, hidden, sort, filters, where])
}

/** Only of values that are read: one that is not written yet may point at nothing. */
function linkOf(
  details: TableDetails,
  { row, column }: CellPlace,
  linkTo: RowsTabProps['linkTo'],
): { to: string; title: string } | undefined {
  const key = details.foreign_keys.find(({ columns }) => columns.includes(column.name))
  const filters = key && !row.isNew ? pointedAt(key, row.read) : undefined
  if (!key || !filters) return undefined
  const value = filters.map((filter) => filter.value).join(', ')
  return { to: linkTo(key.table, { filters }), title: `Go to ${key.table.name} ${value}` }
}

interface RowMenuProps {
  row: GridRow
  canInsert: boolean
  canDelete: boolean
  onOpen: () => void
  onDuplicate: () => void
  onDelete: () => void
  onUndo: () => void
}

function RowMenu(props: RowMenuProps): ReactNode {
  const { row, canInsert, canDelete } = props
  const name = row.version ? Object.values(row.version.key).join(', ') : 'new row'
  if (!row.version && !row.isNew) return null
  return (
    <Menu position="bottom-start" withinPortal>
      <Menu.Target>
        <ActionIcon size="sm" aria-label={`Actions for ${name}`}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {!row.isNew && (
          <Menu.Item
            leftSection={<IconLayoutSidebarRightExpand size={16} />}
            onClick={props.onOpen}
          >
            Open
          </Menu.Item>
        )}
        {canInsert && (
          <Menu.Item leftSection={<IconCopy size={16} />} onClick={props.onDuplicate}>
            Duplicate
          </Menu.Item>
        )}
        {row.change && !row.isNew && (
          <Menu.Item leftSection={<IconArrowBackUp size={16} />} onClick={props.onUndo}>
            Undo
          </Menu.Item>
        )}
        {(row.isNew || canDelete) && row.change?.kind !== 'delete' && (
          <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={props.onDelete}>
            {row.isNew ? 'Do not add' : 'Delete'}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}

function NoRows({ isFiltered }: { isFiltered: boolean }): ReactNode {
  return (
    <EmptyState
      icon={IconTableOff}
      title={isFiltered ? 'No row is like that' : 'There are no rows'}
    >
      {isFiltered
        ? 'Remove a condition to see more.'
        : 'What is inserted shows here when you refresh.'}
    </EmptyState>
  )
}

interface StatusProps {
  place: SqlPlace
  spec: RowsSpec
  shown: number
  /** Whether they have all been read. */
  isAll: boolean
  readOnly: string | undefined
}

/** How many rows there are, as far as that is known; they are counted only when somebody asks. */
function Status({ place, spec, shown, isAll, readOnly }: StatusProps): ReactNode {
  const count = useQuery({ ...countQuery(place, spec), enabled: false })
  const { estimated_rows } = spec.details
  const isFiltered = spec.filters.length > 0 || spec.where !== ''
  const of = (): string => {
    if (count.data !== undefined) return ` of ${count.data.toLocaleString('en')}`
    if (isAll || isFiltered || estimated_rows === null) return ''
    return ` of about ${formatCount(estimated_rows)}`
  }
  return (
    <div className={classes['status']}>
      <span className="figures" role="status">
        {isAll ? '' : 'First '}
        {shown.toLocaleString('en')}
        {of()} {shown === 1 ? 'row' : 'rows'}
        {!isAll && count.data === undefined && (
          <Button
            variant="subtle"
            size="compact-xs"
            ml={6}
            loading={count.isFetching}
            onClick={() => void count.refetch()}
          >
            Count them
          </Button>
        )}
      </span>
      {count.error && <span>{describeFailure(count.error)}</span>}
      <Text size="xs" span>
        {readOnly === undefined ? 'Double click or Enter edits a cell' : `Read only. ${readOnly}`}
      </Text>
    </div>
  )
}

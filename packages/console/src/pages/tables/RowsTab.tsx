import { ActionIcon, Button, Tooltip } from '@mantine/core'
import { IconPlus, IconRefresh, IconTableOff } from '@tabler/icons-react'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useCallback, useMemo, useState } from 'react'

import type { SqlPlace } from '../../api/run-sql.ts'
import type { TableDetails } from '../../sql/catalog.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorState } from '../../ui/ErrorState.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { pointedAt } from './cells.ts'
import { ColumnChooser, FilterBar } from './FilterBar.tsx'
import { type CellPlace, type GridRow, gridRows } from './grid-rows.ts'
import { LongEditor } from './LongEditor.tsx'
import { type Pending, undo } from './pending.ts'
import { RowGrid } from './RowGrid.tsx'
import { RowMenu } from './RowMenu.tsx'
import { RowsStatus } from './RowsStatus.tsx'
import { refresh, type RowsSpec, rowsQuery } from './table-queries.ts'
import { useRowEdits } from './use-row-edits.ts'
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

/** The rows of a table: found, put in order, and edited. */
export function RowsTab(props: RowsTabProps): ReactNode {
  const { place, details, address, change, pending, onPending, readOnly } = props
  const client = useQueryClient()
  const [where, setWhere] = useState('')
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
  const edits = useRowEdits({ place, details, onPending, canUpdate, canInsert })
  const { editing } = edits
  const open = (row: GridRow): void => {
    if (row.version) change({ row: { ...row.version.key } })
  }
  return (
    <>
      <Toolbar
        {...props}
        where={where}
        onWhere={setWhere}
        onRefresh={() => void refresh(client, place)}
        onAdd={canInsert ? () => edits.add({}) : undefined}
      />
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
              onEdit={(cell) => void edits.begin(cell)}
              onCommit={edits.commit}
              onCancel={edits.cancel}
              onEnlarge={edits.enlarge}
              onOpen={open}
              linkOf={(cell) => linkOf(details, cell, props.linkTo)}
              lead={(row) => (
                <RowMenu
                  row={row}
                  canInsert={canInsert}
                  canDelete={readOnly === undefined && details.privileges.delete}
                  onOpen={() => open(row)}
                  onDuplicate={() => void edits.duplicate(row)}
                  onDelete={() => edits.remove(row)}
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
      <RowsStatus
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
          onCommit={(value) => edits.commit(editing, value)}
          onCancel={edits.cancel}
        />
      )}
    </>
  )
}

interface ToolbarProps extends Pick<RowsTabProps, 'details' | 'address' | 'change'> {
  where: string
  onWhere: (where: string) => void
  onRefresh: () => void
  /** Undefined where no row can be added. */
  onAdd: (() => void) | undefined
}

function Toolbar(props: ToolbarProps): ReactNode {
  const { details, address, change, where, onWhere, onRefresh, onAdd } = props
  return (
    <div className={classes['toolbar']}>
      <FilterBar
        columns={details.columns}
        filters={address.filters}
        onFilters={(filters) => change({ filters })}
        where={where}
        onWhere={onWhere}
      />
      <span style={{ flex: 1 }} />
      <ColumnChooser
        columns={details.columns}
        hidden={address.hidden}
        onHidden={(hidden) => change({ hidden }, { replace: true })}
      />
      <Tooltip label="Read the rows anew">
        <ActionIcon variant="default" size={30} aria-label="Refresh" onClick={onRefresh}>
          <IconRefresh size={15} />
        </ActionIcon>
      </Tooltip>
      {onAdd && (
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={onAdd}>
          Row
        </Button>
      )}
    </div>
  )
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

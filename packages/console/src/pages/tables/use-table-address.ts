import { useCallback, useMemo } from 'react'
import { useSearchParams } from 'react-router'

import { type Filter, parseFilters, renderFilters } from '../../sql/filters.ts'
import type { TableName } from '../../sql/quote.ts'

const tabs = ['rows', 'structure', 'statistics'] as const
export type Tab = (typeof tabs)[number]

/** What the page shows, as far as its address says so. */
export interface TableAddress {
  table: TableName | undefined
  tab: Tab
  sort: { column: string; descending: boolean } | undefined
  filters: Filter[]
  hidden: string[]
  /** Key of the row whose details are open. */
  row: Record<string, string> | undefined
  at: string | undefined
}

type AddressChange = Partial<TableAddress>

interface TableAddressHook {
  address: TableAddress
  /** What is left out stays. Steps of reading can be gone back. */
  change: (change: AddressChange, options?: { replace?: boolean }) => void
  /** Where a table is, with only what is named shown of it; without one, the list. */
  linkTo: (table: TableName | undefined, change?: AddressChange) => string
}

/** Of one table only; branch, database, role and moment are of all. */
const ofTable = ['schema', 'table', 'tab', 'sort', 'desc', 'filters', 'hide', 'row']

/**
 * The part of the address that is this page's. A condition in SQL is not in it: a link that somebody sends
 * must not run what they wrote in the name of who opens it.
 */
export function useTableAddress(): TableAddressHook {
  const [params, setParams] = useSearchParams()
  const address = useMemo(() => readAddress(params), [params])
  const change = useCallback<TableAddressHook['change']>(
    (next, { replace = false } = {}) => setParams((before) => write(before, next), { replace }),
    [setParams],
  )
  const linkTo = useCallback<TableAddressHook['linkTo']>(
    (table, next = {}) => {
      const base = new URLSearchParams(params)
      for (const name of ofTable) base.delete(name)
      return `?${write(base, { ...next, table })}`
    },
    [params],
  )
  return { address, change, linkTo }
}

function readAddress(params: URLSearchParams): TableAddress {
  const [schema, name] = [params.get('schema'), params.get('table')]
  const column = params.get('sort')
  const hidden = readJson(params.get('hide'))
  const row = readJson(params.get('row'))
  return {
    table: schema && name ? { schema, name } : undefined,
    tab: tabs.find((tab) => tab === params.get('tab')) ?? 'rows',
    sort: column ? { column, descending: params.has('desc') } : undefined,
    filters: parseFilters(params.get('filters')),
    hidden: Array.isArray(hidden) ? hidden.filter((one) => typeof one === 'string') : [],
    row: isKey(row) ? row : undefined,
    at: params.get('at') ?? undefined,
  }
}

function write(before: URLSearchParams, change: AddressChange): URLSearchParams {
  const after = new URLSearchParams(before)
  const put = (name: string, value: string | undefined): void => {
    if (value === undefined) after.delete(name)
    else after.set(name, value)
  }
  if (change.table) {
    put('schema', change.table.schema)
    put('table', change.table.name)
  }
  if ('tab' in change) put('tab', change.tab === 'rows' ? undefined : change.tab)
  if ('sort' in change) {
    put('sort', change.sort?.column)
    put('desc', change.sort?.descending ? '1' : undefined)
  }
  if (change.filters) {
    put('filters', change.filters.length > 0 ? renderFilters(change.filters) : undefined)
  }
  if (change.hidden) {
    put('hide', change.hidden.length > 0 ? JSON.stringify(change.hidden) : undefined)
  }
  if ('row' in change) put('row', change.row && JSON.stringify(change.row))
  if ('at' in change) put('at', change.at)
  return after
}

function readJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    // Somebody has cut the address.
    return undefined
  }
}

const isKey = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((one) => typeof one === 'string')

import { isRecord, readStored, writeStored } from './bounded-storage.ts'

export interface QueryTab {
  id: string
  name: string
  sql: string
  /** The saved query that it was opened from, or saved as. */
  savedId?: string
}

/** There is always one, and one of them is open. */
export interface QueryTabs {
  tabs: readonly QueryTab[]
  openId: string
}

export const tabsMax = 20

/** The smallest number that no tab is named by. */
function freeName(tabs: readonly QueryTab[]): string {
  const names = new Set(tabs.map(({ name }) => name))
  let number = 1
  while (names.has(`Query ${number}`)) number += 1
  return `Query ${number}`
}

const newTab = (tabs: readonly QueryTab[], sql: string, name?: string): QueryTab => ({
  // `crypto.randomUUID` is not there over plain HTTP.
  id: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`,
  name: name ?? freeName(tabs),
  sql,
})

/** Opens one more; the first goes where there are too many. */
export function addTab({ tabs }: QueryTabs, sql = '', name?: string): QueryTabs {
  const tab = newTab(tabs, sql, name)
  return { tabs: [...tabs, tab].slice(-tabsMax), openId: tab.id }
}

/** Opens a text: in the place of the open tab where that is blank, or else in one more. */
export function openInTab(
  { tabs, openId }: QueryTabs,
  sql: string,
  { name, savedId }: { name?: string; savedId?: string } = {},
): QueryTabs {
  const left = tabs.filter((tab) => tab.id !== openId || tab.sql.trim() !== '')
  const added = addTab({ tabs: left, openId }, sql, name)
  return savedId === undefined ? added : changeTab(added, added.openId, { savedId })
}

/** The one at its right is open then, or the last one; without any there is an empty one. */
export function closeTab({ tabs, openId }: QueryTabs, id: string): QueryTabs {
  const index = tabs.findIndex((tab) => tab.id === id)
  const left = tabs.filter((tab) => tab.id !== id)
  const next = left[Math.min(index, left.length - 1)]
  if (next === undefined) return addTab({ tabs: [], openId: '' })
  return { tabs: left, openId: id === openId ? next.id : openId }
}

export function changeTab(all: QueryTabs, id: string, change: Partial<QueryTab>): QueryTabs {
  const tabs = all.tabs.map((tab) => (tab.id === id ? { ...tab, ...change } : tab))
  return { ...all, tabs }
}

/** There always is one. */
export function openTabOf({ tabs, openId }: QueryTabs): QueryTab {
  const tab = tabs.find(({ id }) => id === openId) ?? tabs[0]
  if (tab === undefined) throw new Error('there is no tab')
  return tab
}

const keyOf = (projectId: string): string => `coppice.sql.tabs.${projectId}`

const isTabs = (value: unknown): value is QueryTabs =>
  isRecord(value) &&
  Array.isArray(value['tabs']) &&
  value['tabs'].length > 0 &&
  value['tabs'].every(
    (tab: unknown) =>
      isRecord(tab) && ['id', 'name', 'sql'].every((field) => typeof tab[field] === 'string'),
  ) &&
  value['tabs'].some((tab: QueryTab) => tab.id === value['openId'])

export const readTabs = (projectId: string): QueryTabs =>
  readStored(keyOf(projectId), isTabs) ?? addTab({ tabs: [], openId: '' })

export const writeTabs = (projectId: string, tabs: QueryTabs): void =>
  writeStored(keyOf(projectId), tabs)

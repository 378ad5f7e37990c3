import { expect, test } from 'vitest'

import { addTab, changeTab, closeTab, openInTab, type QueryTabs, tabsMax } from './query-tabs.ts'

const none: QueryTabs = { tabs: [], openId: '' }
const names = ({ tabs }: QueryTabs): string[] => tabs.map(({ name }) => name)

test('a new tab has a free name and is open', () => {
  const two = addTab(addTab(none), 'select 1')
  expect(names(two)).toEqual(['Query 1', 'Query 2'])
  expect(two.openId).toBe(two.tabs[1]?.id)
  const [first] = two.tabs
  const left = closeTab(two, first?.id ?? '')
  expect(names(addTab(left))).toEqual(['Query 2', 'Query 1'])
})

test('a tab that is closed leaves its neighbour open, and the last one an empty one', () => {
  const three = changeTab(addTab(addTab(addTab(none))), 'x', { name: 'nobody' })
  const [first, second, third] = three.tabs.map(({ id }) => id)
  expect(closeTab(three, third ?? '').openId).toBe(second)
  expect(closeTab({ ...three, openId: first ?? '' }, first ?? '').openId).toBe(second)
  expect(closeTab(three, first ?? '').openId).toBe(third)
  const one = addTab(none, 'select 1')
  expect(closeTab(one, one.openId).tabs).toMatchObject([{ name: 'Query 1', sql: '' }])
})

test('there are so many and no more', () => {
  let tabs = none
  for (let count = 0; count < tabsMax + 3; count += 1) tabs = addTab(tabs)
  expect(tabs.tabs).toHaveLength(tabsMax)
  expect(tabs.tabs.at(-1)?.id).toBe(tabs.openId)
})

test('a text takes the place of a blank tab, and leaves others alone', () => {
  const one = openInTab(addTab(none, '  \n'), 'select 1', { name: 'mine', savedId: 's' })
  expect(one.tabs).toMatchObject([{ name: 'mine', sql: 'select 1', savedId: 's' }])
  const two = openInTab(one, 'select 2')
  expect(names(two)).toEqual(['mine', 'Query 1'])
  expect(two.openId).toBe(two.tabs[1]?.id)
})

import { describe, expect, test } from 'vitest'

import { compareRows, type PrimaryKeys, type Result, type Row } from './compare-rows.ts'

const users = 16_384
const keys: PrimaryKeys = new Map([[users, [1]]])
const column = (name: string, column_number: number, table_id = users) => ({
  name,
  type: 'text',
  table_id,
  column_number,
})
const result = (rows: Row[], columns = [column('id', 1), column('name', 2)]): Result => ({
  columns,
  rows,
})
const marks = (rows: { mark: string; values: Row }[]) =>
  rows.map(({ mark, values }) => `${mark} ${values.join(',')}`)

describe('rows then and now', () => {
  test('are known by the key: what has another value has changed, and where', () => {
    const past = result([
      ['1', 'ada'],
      ['2', 'bob'],
      ['3', 'eve'],
    ])
    const present = result([
      ['4', 'joe'],
      ['2', 'bea'],
      ['1', 'ada'],
    ])
    const { key, counts, ...sides } = compareRows(past, present, keys)
    expect(key).toEqual(['id'])
    expect(marks(sides.past)).toEqual(['same 1,ada', 'changed 2,bob', 'gone 3,eve'])
    expect(marks(sides.present)).toEqual(['new 4,joe', 'changed 2,bea', 'same 1,ada'])
    expect([...(sides.present[1]?.changed ?? [])]).toEqual([1])
    expect(counts).toEqual({ same: 1, changed: 1, gone: 1, new: 1 })
  })

  test('are compared as a whole where the key is not among the columns, duplicates counted', () => {
    const columns = [column('name', 2)]
    const { key, counts } = compareRows(
      result([['a'], ['a'], ['b'], [null]], columns),
      result([['a'], ['c'], [null]], columns),
      keys,
    )
    expect(key).toEqual([])
    expect(counts).toEqual({ same: 2, changed: 0, gone: 2, new: 1 })
  })

  test('of a join need the keys of all its tables', () => {
    const orders = 16_390
    const columns = [column('id', 1), column('total', 2, orders)]
    const join = (total: string) => result([['1', total]], columns)
    expect(compareRows(join('5'), join('6'), keys).key).toEqual([])
    const both = new Map([...keys, [orders, [2]]])
    expect(compareRows(join('5'), join('6'), both).key).toEqual(['id', 'total'])
  })

  test('of a table that has other columns now are compared as a whole', () => {
    const wider = result([['1', 'ada', 'x']], [column('id', 1), column('name', 2), column('x', 3)])
    expect(compareRows(result([['1', 'ada']]), wider, keys)).toMatchObject({
      key: [],
      counts: { gone: 1, new: 1, same: 0 },
    })
  })

  test('tell NULL from the text of it', () => {
    const { counts } = compareRows(result([['1', null]]), result([['1', 'null']]), keys)
    expect(counts.changed).toBe(1)
  })
})

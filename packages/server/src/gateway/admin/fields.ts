import type { Cell, Column, ColumnType, Row } from './table.ts'

/** A column and where its cells come from. */
export interface Field<Item> extends Column {
  of: (item: Item) => Cell
}

export function field<Item>(name: string, type: ColumnType, of: (item: Item) => Cell): Field<Item> {
  return { name, type, of }
}

/** One kind of table, from all that can be shown. */
export interface View<State> {
  columns: readonly Column[]
  rows: (state: State) => Row[]
  /** Said before the table. */
  notice?: string
}

/** A view with a row for each item. */
export function listView<State, Item>(
  fields: ReadonlyArray<Field<Item>>,
  items: (state: State) => readonly Item[],
): View<State> {
  return {
    columns: fields.map(({ name, type }) => ({ name, type })),
    rows: (state) => items(state).map((item) => fields.map(({ of }) => of(item))),
  }
}

/** A view of what is not to be found here. */
export function emptyView<State>(fields: readonly Column[], reason: string): View<State> {
  return { columns: fields, rows: () => [], notice: reason }
}

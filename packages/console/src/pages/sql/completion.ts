import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import type { SQLNamespace } from '@codemirror/lang-sql'

import { quoteName } from '../../sql/quote.ts'
import type { Catalog, CatalogTable } from './catalog.ts'
import { statementAt, tokensOf } from './statements.ts'

/** Schemas, tables and columns as CodeMirror's SQL takes them, for what stands behind a dot. */
export function namespaceOf({ tables }: Catalog): SQLNamespace {
  const schemas: Record<string, Record<string, SQLNamespace>> = {}
  for (const { schema, name, columns } of tables) {
    schemas[schema] ??= {}
    schemas[schema][name] = columns.map((column): Completion => ({
      label: column.name,
      type: 'property',
      detail: column.type,
    }))
  }
  return schemas
}

/** The tables whose names stand in a statement. */
export function tablesIn(sql: string, { tables }: Catalog): readonly CatalogTable[] {
  const names = new Set<string>()
  for (const { kind, from, to } of tokensOf(sql)) {
    const text = sql.slice(from, to)
    if (kind === 'word') names.add(text.toLowerCase())
    else if (text.startsWith('"')) names.add(text.slice(1, -1).replaceAll('""', '"'))
  }
  return tables.filter(({ name }) => names.has(name))
}

const isPlain = (name: string): boolean => /^[a-z_][a-z0-9_$]*$/.test(name)
/** A name as SQL has it. */
export const quoted = (name: string): string => (isPlain(name) ? name : quoteName(name))
/** With its schema, where that has to be said. */
export const tableName = ({ schema, name }: { schema: string; name: string }): string =>
  schema === 'public' ? quoted(name) : `${quoted(schema)}.${quoted(name)}`

/**
 * What CodeMirror's own completion does not offer: columns of the tables that the statement names,
 * functions, and the views of `pg_catalog` without their schema.
 */
export function completeFromCatalog(catalog: Catalog) {
  const functions = catalog.functions.map(({ schema, name, arguments: list }): Completion => ({
    label: schema === 'public' || schema === 'pg_catalog' ? name : `${schema}.${name}`,
    apply:
      schema === 'public' || schema === 'pg_catalog' ? quoted(name) : tableName({ schema, name }),
    type: 'function',
    detail: list === '' ? '()' : `(${list.length > 40 ? `${list.slice(0, 40)}…` : list})`,
    boost: schema === 'pg_catalog' ? -30 : 0,
  }))
  const system = catalog.tables
    .filter(({ schema }) => schema === 'pg_catalog')
    .map(({ name }): Completion => ({ label: name, type: 'type', boost: -50 }))
  return (context: CompletionContext): CompletionResult | null => {
    const word = context.matchBefore(/[\w$]+/)
    const from = word?.from ?? context.pos
    if (context.state.sliceDoc(from - 1, from) === '.') return null
    if (word === null && !context.explicit) return null
    const text = context.state.doc.toString()
    const span = statementAt(text, context.pos)
    const near = span === undefined ? [] : tablesIn(text.slice(span.from, span.to), catalog)
    const columns = near.flatMap((table) =>
      table.columns.map(({ name, type }): Completion => ({
        label: name,
        apply: quoted(name),
        type: 'property',
        detail: `${type} · ${table.name}`,
        boost: 99,
      })),
    )
    return { from, options: [...columns, ...functions, ...system], validFor: /^[\w$]*$/ }
  }
}

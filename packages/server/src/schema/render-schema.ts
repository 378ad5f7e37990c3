import type { DatabaseSchema, DescribedObject } from './read-schema.ts'

/** So that every name means the same to whoever runs the statements. */
export const preamble = [
  'SET statement_timeout = 0',
  'SET lock_timeout = 0',
  'SET idle_in_transaction_session_timeout = 0',
  "SET client_encoding = 'UTF8'",
  'SET standard_conforming_strings = on',
  "SELECT pg_catalog.set_config('search_path', '', false)",
  'SET check_function_bodies = false',
  'SET xmloption = content',
  'SET client_min_messages = warning',
  'SET row_security = off',
]

/** The schema as one SQL script: the same text for equal schemas, whatever their history. */
export function renderSchema(schema: DatabaseSchema): string {
  const notes = schema.omissions.map((name) => `-- Left out: ${onOneLine(name)}`)
  const grants = [
    ...schema.objects.flatMap((object) => object.grants),
    ...schema.others,
    ...schema.defaultPrivileges,
  ]
  return [
    heading('Schema of a PostgreSQL database'),
    statements(preamble),
    ...(notes.length > 0 ? [notes.join('\n')] : []),
    ...schema.objects.flatMap(block),
    ...(grants.length > 0 ? [heading('Privileges'), statements(grants)] : []),
    heading('End of the schema'),
  ].join('\n\n')
}

function block(object: DescribedObject): string[] {
  const { kind, name, statements: made, ownership, comments } = object
  const all = [...made, ...(ownership === undefined ? [] : [ownership]), ...comments]
  return all.length > 0 ? [heading(`${kind.toUpperCase()} ${name}`), statements(all)] : []
}

const statements = (all: readonly string[]): string => all.map((one) => `${one};`).join('\n')

const heading = (text: string): string => `--\n-- ${onOneLine(text)}\n--`

/** A name may hold a line break, and what follows it would be a statement. */
const onOneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, '\uFFFD')

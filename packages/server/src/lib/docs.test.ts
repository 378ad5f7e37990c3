import { readFileSync } from 'node:fs'

import { errors } from '@coppice/api'
import { expect, test } from 'vitest'

import { environmentVariables } from './config.ts'
import { defaultPoolSettings } from './pool-settings.ts'

const read = (name: string): string =>
  readFileSync(new URL(`../../../../docs/${name}`, import.meta.url), 'utf8')

/** The cells of the table rows whose first cell is a code span. */
const rows = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )

test('docs/errors.md lists each error with its status and SQLSTATE, and no other', () => {
  const documented = rows(read('errors.md')).map(([code, status, sqlstate]) => [
    code,
    status,
    sqlstate,
  ])
  const known = Object.entries(errors).map(([code, error]) => [
    `\`${code}\``,
    String(error.status),
    error.sqlstate,
  ])
  expect(documented).toEqual(known)
})

test('docs/config.md lists each environment variable and no other', () => {
  const documented = rows(read('config.md'))
    .map(([name]) => name?.replaceAll('`', ''))
    .filter((name) => name !== undefined && /^[A-Z]/.test(name))
  expect(documented).toEqual(Object.keys(environmentVariables))
})

test('docs/pooling.md lists each setting of the pooler with its default, and no other', () => {
  const documented = rows(read('pooling.md')).filter(([name]) => /^`[a-z_]+`$/.test(name ?? ''))
  const known = Object.entries(defaultPoolSettings).map(([name, value]) => [
    `\`${name}\``,
    `\`${value}\``,
  ])
  expect(documented.map(([name, value]) => [name, value])).toEqual(known)
})

test('docs/security.md names for each attempt a test that there is', () => {
  const text = read('security.md')
  const named = [...text.matchAll(/\[`([^`]+)`\]\(\.\.\/([^)]+\.test\.ts)\)/g)]
  const missing = named.filter(([, title = '', path = '']) => {
    const source = readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8')
    return !source.includes(title)
  })
  expect(missing.map(([name]) => name)).toEqual([])
  const attempts = text
    .slice(text.indexOf('\n## From'), text.indexOf('\n## Running'))
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (-|attempt |what )/.test(line))
  const untested = attempts.filter((row) => !/\.test\.ts\) *\|$|the same *\|$/.test(row))
  expect(attempts.length).toBeGreaterThan(25)
  expect(untested).toEqual([])
})

import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import {
  changeControlFile,
  refusedExtensions,
  trustedByPostgres,
  trustedByUs,
} from './extensions.ts'
import { sessionJwt } from './session-jwt.ts'

const own = 'comment = x\ndefault_version = 1\n'

test('control files are changed where the platform has a word to say, and nowhere else', () => {
  expect(changeControlFile('bloom', own, [])).toBe(`${own}trusted = true\n`)
  expect(changeControlFile('plperl', `trusted = true\n${own}`, [])).toBe(`${own}trusted = false\n`)
  expect(changeControlFile('citext', `${own}trusted = true\n`, [])).toBeUndefined()
  expect(changeControlFile('postgis', own, [])).toBeUndefined()
})

test('the operator adds to what is trusted, not to what is refused', () => {
  expect(changeControlFile('postgis', own, ['postgis'])).toBe(`${own}trusted = true\n`)
  expect(changeControlFile('dblink', own, ['dblink'])).toBe(`${own}trusted = false\n`)
})

test('docs/extensions.md lists each extension that is decided on, with who creates it', () => {
  const path = new URL('../../../../docs/extensions.md', import.meta.url)
  const rows = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  const documented = rows.flatMap((row) => {
    const [names = '', who = ''] = row.slice(1).split('|')
    return names.split(',').map((name) => `${name.replaceAll('`', '').trim()}: ${who.trim()}`)
  })
  const known = [
    ...[...trustedByPostgres, ...trustedByUs, sessionJwt].map((name) => `${name}: roles`),
    ...refusedExtensions.flatMap(([, names]) => names.map((name) => `${name}: nobody`)),
  ]
  const byName = (a: string, b: string) => a.localeCompare(b)
  expect(documented.toSorted(byName)).toEqual(known.toSorted(byName))
})

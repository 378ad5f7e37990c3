import fc from 'fast-check'
import { expect, test } from 'vitest'

import { parseCommands } from './command.ts'

test('commands are separated by semicolons; empty ones are none', () => {
  const commands = parseCommands(';show pools;\n ; PAUSE db;')
  expect(commands).toEqual([
    { verb: 'SHOW', words: ['pools'], text: 'show pools' },
    { verb: 'PAUSE', words: ['db'], text: 'PAUSE db' },
  ])
  expect(parseCommands(' ;; ')).toEqual([])
})

test('names keep their case, and quotes hold what separates', () => {
  const [pause, kill] = parseCommands(`pause "My;""db"; kill 'it''s'`)
  expect(pause?.words).toEqual(['My;"db'])
  expect(kill?.words).toEqual(["it's"])
})

test("an administrator's name of a database needs no quotes", () => {
  const [pause] = parseCommands('PAUSE ep-calm-moss-e5f6a7b8/my--db;')
  expect(pause?.words).toEqual(['ep-calm-moss-e5f6a7b8/my--db'])
})

test('comments are space', () => {
  const [show] = parseCommands('/* a; b */ show -- c;\n lists')
  expect(show).toMatchObject({ verb: 'SHOW', words: ['lists'] })
})

test('SET has its equals sign as a word of its own', () => {
  expect(parseCommands('set max_client_conn=5')[0]?.words).toEqual(['max_client_conn', '=', '5'])
})

test('a quote that does not end is an error', () => {
  expect(() => parseCommands('show pools; pause "db')).toThrow(
    `a quote does not end in 'pause "db'; use SHOW HELP`,
  )
})

test('whatever is sent is either commands or a syntax error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      try {
        return parseCommands(text).every(({ verb }) => verb !== '')
      } catch (error) {
        return error instanceof Error && error.name === 'ClientError'
      }
    }),
  )
})

import { expect, test } from 'vitest'

import { tagChangesDefinitions, tagChangesFunctions, tagForgetsStatements } from './command-tags.ts'

/** Within a larger buffer, as tags come. */
function ask(check: (bytes: Buffer, start: number, end: number) => boolean, tag: string): boolean {
  return check(Buffer.from(`C\0\0\0\0${tag}\0Z...`), 5, 6 + tag.length)
}

const ofData = ['SELECT 1', 'INSERT 0 1', 'UPDATE 1', 'DELETE 0', 'MERGE 1', 'FETCH 1', 'COPY 5']
const ofTransactions = ['BEGIN', 'START TRANSACTION', 'SAVEPOINT', 'RELEASE', 'ROLLBACK', 'COMMIT']
const ofSessions = ['SET', 'RESET', 'DEALLOCATE', 'DISCARD TEMP', 'LISTEN', 'CALL', 'CREATE INDEX']
const everyday = [...ofData, ...ofTransactions, ...ofSessions, '', 'A'.repeat(1000)]

test.each(everyday)('nothing follows from %j', (tag) => {
  for (const check of [tagChangesDefinitions, tagChangesFunctions, tagForgetsStatements]) {
    expect(ask(check, tag)).toBe(false)
  }
})

test('knows the tags after which no prepared statement is left', () => {
  expect(ask(tagForgetsStatements, 'DEALLOCATE ALL')).toBe(true)
  expect(ask(tagForgetsStatements, 'DISCARD ALL')).toBe(true)
})

test.each([
  'ALTER TABLE',
  'CREATE TABLE',
  'CREATE VIEW',
  'DROP TABLE',
  'IMPORT FOREIGN SCHEMA',
  'DO',
])('definitions change with %s', (tag) => {
  expect(ask(tagChangesDefinitions, tag)).toBe(true)
})

test('functions change with some of these', () => {
  const tags = ['CREATE FUNCTION', 'ALTER PROCEDURE', 'CREATE TRIGGER', 'ALTER TABLE', 'DO']
  expect(tags.filter((tag) => ask(tagChangesFunctions, tag))).toEqual(tags)
  const others = ['CREATE TABLE', 'DROP TABLE', 'CREATE ROLE', 'ALTER INDEX', 'ALTER DATABASE']
  expect(others.filter((tag) => ask(tagChangesFunctions, tag))).toEqual([])
})

import { expect, test } from 'vitest'

import { type Grant, privilegeStatements } from './grants.ts'

const all = ['INSERT', 'SELECT', 'UPDATE']
const grant = (
  grantee: string | null,
  privilege: string,
  { grantor = 'owner', grantable = false } = {},
): Grant => ({ grantor, grantee, privilege, grantable })
const standard = all.map((privilege) => grant('owner', privilege))
const on = { target: 'TABLE t', owner: 'owner', all, standard }

test('what a new object has needs no statement', () => {
  expect(privilegeStatements({ ...on, held: standard })).toEqual([])
})

test('what was revoked is revoked before anything is granted', () => {
  const held = [grant('owner', 'SELECT'), grant(null, 'SELECT')]
  expect(privilegeStatements({ ...on, held })).toEqual([
    'REVOKE INSERT, UPDATE ON TABLE t FROM owner',
    'GRANT SELECT ON TABLE t TO PUBLIC',
  ])
})

test('all privileges are written as ALL, and a column with its name', () => {
  const held = [...standard, ...all.map((privilege) => grant('reader', privilege))]
  expect(privilegeStatements({ ...on, held })).toEqual(['GRANT ALL ON TABLE t TO reader'])
  expect(
    privilegeStatements({ ...on, standard: [], held: [grant('reader', 'SELECT')], column: 'c' }),
  ).toEqual(['GRANT SELECT(c) ON TABLE t TO reader'])
})

test('who grants on is granted before, and acts for itself', () => {
  const held = [
    ...standard,
    grant('c', 'SELECT', { grantor: 'b' }),
    grant('b', 'SELECT', { grantor: 'a', grantable: true }),
    grant('a', 'SELECT', { grantable: true }),
  ]
  expect(privilegeStatements({ ...on, held })).toEqual([
    'GRANT SELECT ON TABLE t TO a WITH GRANT OPTION',
    'SET SESSION AUTHORIZATION a',
    'GRANT SELECT ON TABLE t TO b WITH GRANT OPTION',
    'RESET SESSION AUTHORIZATION',
    'SET SESSION AUTHORIZATION b',
    'GRANT SELECT ON TABLE t TO c',
    'RESET SESSION AUTHORIZATION',
  ])
})

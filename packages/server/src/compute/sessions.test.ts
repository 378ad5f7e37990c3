import { beforeEach, expect, test } from 'vitest'

import { Sessions } from './sessions.ts'

const who = { role: 'app', database: 'app', applicationName: '' }
let sessions: Sessions
let nowMs = 0

beforeEach(() => {
  nowMs = 0
  sessions = new Sessions(() => nowMs)
  nowMs = 1000
})

test('a session is activity as it opens, works and ends', () => {
  const session = sessions.open(who)
  expect(sessions.lastActiveMs).toBe(1000)
  nowMs = 2000
  session.touch()
  expect(sessions.lastActiveMs).toBe(2000)
  nowMs = 3000
  session.end()
  expect([sessions.lastActiveMs, sessions.count]).toEqual([3000, 0])
})

test('a quiet session never is, also where it listens', () => {
  const session = sessions.open({ ...who, quiet: true })
  session.touch()
  session.setListening(true)
  expect(sessions.listening()).toEqual([])
  expect(sessions.list()).toMatchObject([{ quiet: true, lastActiveMs: 1000 }])
  session.end()
  expect(sessions.lastActiveMs).toBe(0)
})

test('a connection of a pool counts by what is done on it, not by when it is opened and closed', () => {
  const session = sessions.open({ ...who, pooled: true, quiet: true })
  expect(sessions.lastActiveMs).toBe(0)
  expect(sessions.list()).toMatchObject([{ quiet: false }])
  session.touch({ applicationName: 'uptime', clientAddress: '192.0.2.8', quiet: true })
  expect(sessions.lastActiveMs).toBe(0)
  session.touch({ applicationName: 'shop', clientAddress: '192.0.2.7' })
  expect(sessions.list()).toMatchObject([{ applicationName: 'shop', role: 'app' }])
  expect(sessions.lastActiveMs).toBe(1000)
  nowMs = 2000
  session.end()
  expect(sessions.lastActiveMs).toBe(1000)
})

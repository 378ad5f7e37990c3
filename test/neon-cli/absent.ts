import { expect } from 'vitest'

import type { Finding, Suite } from './suite.ts'

/**
 * What Neon's CLI can ask for and Coppice has not. The name of a group stands for all of its commands; one
 * of them shows how it ends. None may crash.
 */
export function absentTests(suite: Suite): void {
  const { neon, lacks } = suite
  /** What the API answers and the CLI prints. */
  const noRoute = 'this route does not exist'
  const branch = ['--branch', 'main']
  const attempts: Record<string, { why: string; args: string[] }> = {
    functions: { why: 'functions', args: ['list', ...branch] },
    triggers: { why: 'functions', args: ['list', ...branch] },
    buckets: { why: 'object storage', args: ['list', ...branch] },
    credentials: { why: 'services that take them', args: ['list', ...branch] },
    'data-api': { why: 'the Data API; PostgREST can run beside Coppice', args: ['get', ...branch] },
    'neon-auth': { why: 'Neon Auth', args: ['enable', ...branch] },
    vpc: { why: 'private networks of clouds', args: ['project', 'list'] },
  }
  const reasons = Object.entries(attempts).map(([command, { why }]) => [command, why] as const)
  lacks(Object.fromEntries(reasons), async () => {
    await Promise.all(
      Object.entries(attempts).map(async ([command, { args }]) =>
        expect(neon([command, ...args])).rejects.toThrow(noRoute),
      ),
    )
  })

  lacks({ auth: 'signing in by browser; set NEON_API_KEY or `neon profile create`' }, async () => {
    // CI: nobody is there to look at a browser.
    await expect(neon(['auth'], { env: { CI: '1' } })).rejects.toThrow('interactive auth')
  })
}

/** What never asks the API that NEON_API_HOST names, so that no server can make it work or fail. */
const reasonsOfNeonAlone = {
  open: "opens Neon's own console",
  claim: "databases of Neon's cloud without an account",
  bootstrap: "templates for Neon's functions",
  dev: 'serves functions',
  ask: "Neon's assistant",
  init: "sets coding agents up for Neon's cloud; `neon link` does the rest",
  mcp: "points coding agents at Neon's hosted server, and gives it a key of yours: do not use it",
  plugins: "of coding agents, for Neon's cloud",
  'skills update': "of coding agents, for Neon's cloud",
}

export const commandsOfNeonAlone: ReadonlyMap<string, Finding> = new Map(
  Object.entries(reasonsOfNeonAlone).map(([command, why]) => [
    command,
    { works: false, lacks: [why] },
  ]),
)

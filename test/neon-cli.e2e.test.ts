import { afterAll, beforeAll, expect, test } from 'vitest'

import { checkSection, renderTable, verdict } from './compatibility-document.ts'
import { absentTests, commandsOfNeonAlone } from './neon-cli/absent.ts'
import { accountTests } from './neon-cli/account.ts'
import { branchTests } from './neon-cli/branches.ts'
import { listNeonCommands } from './neon-cli/command-tree.ts'
import { connectionTests } from './neon-cli/connections.ts'
import { databaseAndRoleTests } from './neon-cli/databases-and-roles.ts'
import { historyTests } from './neon-cli/history.ts'
import { inspectTests } from './neon-cli/inspect.ts'
import { logTests } from './neon-cli/logs.ts'
import { projectTests } from './neon-cli/projects.ts'
import { schemaTests } from './neon-cli/schema.ts'
import { snapshotTests } from './neon-cli/snapshots.ts'
import { createSuite, type Finding } from './neon-cli/suite.ts'
import { workspaceTests } from './neon-cli/workspace.ts'

/**
 * Neon's own CLI, unmodified, against Coppice. What these tests find is the table of commands in
 * docs/compatibility.md; a command that none of them covers fails the last one.
 */
const suite = createSuite()

beforeAll(suite.start)
afterAll(suite.stop)

accountTests(suite)
connectionTests(suite)
databaseAndRoleTests(suite)
branchTests(suite)
inspectTests(suite)
workspaceTests(suite)
logTests(suite)
historyTests(suite)
snapshotTests(suite)
schemaTests(suite)
projectTests(suite)
absentTests(suite)

test('docs/compatibility.md says of every command what these tests have shown', async ({
  skip,
}) => {
  skip(suite.pending.size > 0, 'not all of them ran and passed')
  const findings = new Map<string, Finding>([...suite.findings, ...commandsOfNeonAlone])
  const names = [
    ...new Set((await listNeonCommands()).map((command) => coveredBy(command, findings))),
  ]
  expect([...findings.keys()].filter((name) => !names.includes(name))).toEqual([])
  const rows = names.map((name) => {
    const finding = findings.get(name) ?? { works: false, lacks: [] }
    return [`\`${name}\``, verdict(finding), finding.lacks.join('; ')]
  })
  await checkSection('commands', renderTable(['command', 'works', 'what is missing'], rows))
})

/** The command or the group of it that has been tried. */
function coveredBy(command: string, findings: ReadonlyMap<string, Finding>): string {
  const words = command.split(' ')
  const prefixes = words.map((_, index) => words.slice(0, words.length - index).join(' '))
  const found = prefixes.find((prefix) => findings.has(prefix))
  if (found === undefined) throw new Error(`no test covers \`neon ${command}\``)
  return found
}

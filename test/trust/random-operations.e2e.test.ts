import { afterAll, beforeAll, expect, test, vi } from 'vitest'

import { psql, startTestPlatform, type TestPlatform, until } from '../platform.ts'
import { bankSql, Ledger } from './bank.ts'
import { Figures } from './figures.ts'
import { durationMs, seed } from './form.ts'
import { findPostmasters, gatewayPids, killAll, killEverything, storePid } from './processes.ts'
import { changes } from './project-changes.ts'
import { type Contents, ProjectModel } from './project-model.ts'
import {
  expectAuthBeforeWake,
  expectBoundedLists,
  expectNoSecrets,
  expectScopedKey,
} from './promises.ts'
import { randomNumbers } from './random-numbers.ts'
import { expectSound } from './sound.ts'
import { expectWhole } from './whole.ts'

/**
 * Whatever the API can do, in a random order, in two projects at once, with clients that write; now and then
 * somebody dies. After each few changes the model, the API and the disk are one, and what always holds
 * (ARCHITECTURE.md) holds.
 */
const figures = new Figures('random operations')
const random = randomNumbers(seed)
const ledger = new Ledger()
const projects: ProjectModel[] = []
let platform: TestPlatform
/** What was done last, for whoever has to find out why it failed. */
const trace: string[] = []

beforeAll(async () => {
  platform = await startTestPlatform({ poolSize: '16G', flags: ['--freeze-after', '3'] })
  for (const number of [1, 2]) projects.push(await makeProject(number))
})

afterAll(async () => {
  for (const project of projects) await project.stop()
  figures.set('transfers acknowledged', ledger.acknowledged.length)
  await platform?.remove()
  await figures.write()
})

async function makeProject(number: number): Promise<ProjectModel> {
  const { project, branch, endpoints } = await platform.client.createProject({
    body: { project: { name: `random-${number}` } },
  })
  const note = (what: string): void => {
    trace.push(`project ${number}: ${new Date().toISOString()} ${what}`)
  }
  const own = { platform, projectId: project.id, ledger, random: random.fork(number), note }
  const model = new ProjectModel(own)
  const nothing: Contents = { owed: new Set(), possible: new Set(), roles: [], databases: [] }
  const first = await model.add({ branch, endpoints }, nothing)
  await psql(first.uri, bankSql)
  model.startTeller(first)
  return model
}

async function changeOnce(project: ProjectModel): Promise<void> {
  const [name, change] = project.random.pick(changes)
  const run = change(project)
  if (run === undefined) return changeOnce(project)
  project.note(name)
  await run()
  figures.add('operations')
}

/** Somebody dies, or nobody. */
const deaths: Record<string, () => Promise<unknown>> = {
  nobody: async () => undefined,
  'the daemon': async () => {
    await platform.kill()
    await platform.up()
  },
  'the gateway': async () => killAll(gatewayPids(platform)),
  'the store': async () => {
    await killAll([storePid(platform) ?? 0])
    // What is asked of the API meanwhile may fail, and is no part of this.
    await until(
      async () =>
        platform.client.listProjects({ query: {} }).then(
          () => true,
          () => false,
        ),
      'the store is back',
    )
  },
  'every PostgreSQL': async () => {
    const computes = findPostmasters(platform).filter((one) => one.directory.includes('/pool/'))
    await killAll(computes.map(({ pid }) => pid))
  },
  everything: async () => {
    await killEverything(platform)
    await platform.up()
  },
}

async function dieOnce(): Promise<void> {
  const who = random.pick(Object.keys(deaths))
  trace.push(`${who} dies`)
  await deaths[who]?.()
  if (who !== 'nobody') figures.add('crashes survived')
}

async function expectPromises(): Promise<void> {
  const branchOf = (projectId: string, id: string) =>
    projects.find((one) => one.projectId === projectId)?.branches.find((branch) => branch.id === id)
  const verify = async (): Promise<void> =>
    expectWhole(platform, async (projectId, { id }) => {
      const project = projects.find((one) => one.projectId === projectId)
      const branch = branchOf(projectId, id)
      if (branch) figures.add('transfers looked for', await project?.verify(branch))
    })
  await vi.waitFor(verify, { timeout: 60_000, interval: 500 })
  for (const project of projects) {
    await expectModel(project)
    const branch = project.random.pick(project.awakeable)
    const { endpointId = '', uri } = branch
    await expectSound(platform, { endpointId, uri })
    if (branch.teller === undefined) {
      await expectAuthBeforeWake(platform, project.projectId, { endpointId, uri })
    }
  }
  const [one, other] = projects
  await expectScopedKey(platform, { own: one?.projectId ?? '', other: other?.projectId ?? '' })
  await expectBoundedLists(platform)
  const uris = projects.flatMap(({ awakeable }) => awakeable.map(({ uri }) => uri))
  expectNoSecrets(platform, uris)
  figures.add('times all was looked at')
}

/** What the API lists of a project is what was made in it. */
async function expectModel(project: ProjectModel): Promise<void> {
  const { client, path } = project
  const { branches } = await client.listProjectBranches({ path, query: {} })
  const named = (some: readonly { id: string; name: string }[]) =>
    some.map(({ id, name }) => `${id} ${name}`).toSorted()
  expect(named(branches)).toEqual(named(project.branches))
  const { snapshots } = await client.listSnapshots({ path })
  const ids = (some: readonly { id: string }[]) => some.map(({ id }) => id).toSorted()
  expect(ids(snapshots)).toEqual(ids(project.snapshots))
  for (const branch of project.awakeable) {
    const { roles } = await client.listProjectBranchRoles({ path: project.branchPath(branch) })
    const ours = roles.map(({ name }) => name).filter((name) => name.startsWith('role_'))
    expect(ours.toSorted(), `roles of ${branch.name}`).toEqual(branch.roles.toSorted())
    const answer = await client.listProjectBranchDatabases({ path: project.branchPath(branch) })
    const databases = answer.databases.map(({ name }) => name).filter((name) => name !== 'neondb')
    expect(databases.toSorted(), `databases of ${branch.name}`).toEqual(branch.databases.toSorted())
  }
}

const runMs = durationMs({ seconds: 30 }, { minutes: 60 })

test(
  `whatever is asked of it in whatever order (seed ${seed})`,
  { timeout: runMs + 300_000 },
  async () => {
    const endMs = performance.now() + runMs
    try {
      while (performance.now() < endMs) {
        await Promise.all(
          projects.map(async (project) => {
            for (let count = 0; count < 6; count++) await changeOnce(project)
          }),
        )
        await dieOnce()
        await expectPromises()
      }
    } catch (error) {
      const last = trace.slice(-120).join('\n  ')
      const again = `npm run test:trust -- --seed ${seed} random-operations`
      throw new Error(`failed with seed ${seed} (${again}) after\n  ${last}`, { cause: error })
    }
  },
)

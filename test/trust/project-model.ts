import type { Client, Endpoint } from '@coppice/api'

import type { TestPlatform } from '../platform.ts'
import { expectInBooks, type Ledger, readBooks, startTeller } from './bank.ts'
import type { RandomNumbers } from './random-numbers.ts'
import { rest } from './rest.ts'
import type { Port, Worker } from './session.ts'

export const database = { database_name: 'neondb', role_name: 'neondb_owner' }

/** What is in a branch, or was. */
export interface Contents {
  /** Transfers that it must have. */
  owed: ReadonlySet<number>
  /** Transfers that it may have: of its own tellers, and of those that it came from. */
  possible: ReadonlySet<number>
  /** Of those that were made through the API. */
  roles: readonly string[]
  databases: readonly string[]
}

/** A moment of a branch's line, and what it held. */
export interface Mark extends Contents {
  at: Date
}

/** What a branch should be. */
export interface ModelBranch {
  id: string
  name: string
  /** Undefined for one without a compute, as what was before a restore is. */
  endpointId: string | undefined
  uri: string
  owed: Set<number>
  possible: Set<number>
  roles: string[]
  databases: string[]
  /** Of the line of now, oldest first. */
  marks: Mark[]
  teller: Worker | undefined
}

export interface ModelSnapshot extends Contents {
  id: string
}

/** What a project should be, as far as a driver of the API knows. */
export class ProjectModel {
  readonly platform: TestPlatform
  readonly projectId: string
  readonly ledger: Ledger
  readonly random: RandomNumbers
  readonly branches: ModelBranch[] = []
  /** Deleted, and to be had back. */
  readonly deleted: ModelBranch[] = []
  readonly snapshots: ModelSnapshot[] = []
  /** Told what is about to be done. */
  readonly note: (what: string) => void
  #names = 0

  constructor(options: {
    platform: TestPlatform
    projectId: string
    ledger: Ledger
    random: RandomNumbers
    note: (what: string) => void
  }) {
    this.platform = options.platform
    this.projectId = options.projectId
    this.ledger = options.ledger
    this.random = options.random
    this.note = options.note
  }

  get client(): Client {
    return this.platform.client
  }

  get path(): { project_id: string } {
    return { project_id: this.projectId }
  }

  nextName(kind: string): string {
    this.#names += 1
    return `${kind}_${this.#names}`
  }

  branchPath({ id }: ModelBranch): { project_id: string; branch_id: string } {
    return { ...this.path, branch_id: id }
  }

  /** Those that can be written to. */
  get awakeable(): ModelBranch[] {
    return this.branches.filter(({ endpointId }) => endpointId !== undefined)
  }

  /** Those without children: the API is asked, since a restore gives branches other parents. */
  async leaves(): Promise<ModelBranch[]> {
    const { branches } = await this.client.listProjectBranches({ path: this.path, query: {} })
    const parents = new Set(branches.map(({ parent_id }) => parent_id))
    const first = branches.find((branch) => branch.default)?.id
    return this.branches.filter(({ id }) => id !== first && !parents.has(id))
  }

  /** A branch as it has just been made, with what its source had. */
  async add(
    made: { branch: { id: string; name: string }; endpoints: readonly Pick<Endpoint, 'id'>[] },
    from: Contents,
  ): Promise<ModelBranch> {
    const branch: ModelBranch = {
      id: made.branch.id,
      name: made.branch.name,
      endpointId: made.endpoints[0]?.id,
      uri: '',
      ...copyOf(from),
      marks: [],
      teller: undefined,
    }
    this.branches.push(branch)
    await this.learnUri(branch)
    return branch
  }

  async learnUri(branch: ModelBranch): Promise<void> {
    if (branch.endpointId === undefined) return
    const query = { branch_id: branch.id, ...database }
    branch.uri = (await this.client.getConnectionURI({ path: this.path, query })).uri
  }

  startTeller(branch: ModelBranch): void {
    if (branch.endpointId === undefined || branch.teller !== undefined) return
    const port: Port = this.random.below(2) === 0 ? 'direct' : 'pooled'
    branch.teller = startTeller({
      platform: this.platform,
      uri: branch.uri,
      port,
      random: this.random.fork(this.#names),
      ledger: this.ledger,
      pauseMs: 30,
      onBegun: ({ id }) => branch.possible.add(id),
      onAcknowledged: ({ id }) => branch.owed.add(id),
    })
  }

  async stopTeller(branch: ModelBranch): Promise<void> {
    await branch.teller?.stop()
    branch.teller = undefined
  }

  async stop(): Promise<void> {
    for (const branch of [...this.branches, ...this.deleted]) await this.stopTeller(branch)
  }

  /** A moment that can be gone back to. */
  async mark(branch: ModelBranch): Promise<void> {
    const settle = this.contentsOf(branch)
    // Moments are of whole milliseconds.
    await rest(5)
    const at = new Date()
    await rest(5)
    branch.marks.push({ at, ...settle() })
  }

  /**
   * What a copy of a branch will hold that is about to be made: what is acknowledged when this is called,
   * and perhaps what has begun when the answer is called.
   */
  contentsOf(branch: ModelBranch): () => Contents {
    const { owed, roles, databases } = copyOf(branch)
    return () => ({ owed, possible: new Set(branch.possible), roles, databases })
  }

  /** A branch gets other data. */
  replace(branch: ModelBranch, contents: Contents): void {
    Object.assign(branch, copyOf(contents), { marks: [] })
  }

  /** What is in a branch is what was acknowledged, and nothing that was never made on it. */
  async verify(branch: ModelBranch): Promise<number> {
    const acknowledged = [...branch.owed]
    const books = await readBooks(this.platform, branch.uri)
    return expectInBooks(books, this.ledger, {
      acknowledged,
      later: (id) => !branch.possible.has(id),
    })
  }
}

const copyOf = (contents: Contents) => ({
  owed: new Set(contents.owed),
  possible: new Set(contents.possible),
  roles: [...contents.roles],
  databases: [...contents.databases],
})

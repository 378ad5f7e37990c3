import {
  bytesPerUnit,
  scale,
  type ScalerState,
  type SizeBounds,
  startScaling,
} from './autoscaler.ts'
import type { ControlGroup, ControlGroups, MemberGroup } from './control-groups.ts'
import type { SizeRange } from './usage-ledger.ts'

/** Who is told of an endpoint's place in a compute. */
export interface Occupant {
  endpointId: string
  /** Its share is about to change: what it has used up to now counts by the one before. */
  beforeChange: () => void
  onChange: () => void
}

/** An endpoint's place in a compute, from before its PostgreSQL starts until it has ended. */
export interface Place {
  /** Moves a process into it, with all that it will start. */
  enter(pid: number): void
  /** PostgreSQL accepts connections, for the first time or again: from now on the limits hold. */
  started(): Promise<void>
  /** Answers false, and changes nothing, where this host cannot. */
  freeze(): Promise<boolean>
  /** Somebody waits for it: the limits follow with `started`. May be repeated. */
  thaw(): Promise<void>
  /** May be repeated. */
  leave(): Promise<void>
}

interface Member {
  occupant: Occupant
  group: MemberGroup
  state: 'starting' | 'running' | 'frozen'
}

/**
 * A compute: processors and memory within bounds, for one endpoint or for several that divide them.
 *
 * The size in force is between the bounds and follows the load (`autoscaler.ts`). It is what counts as
 * used, what the settings are made for and the limit of memory. The limit of processors is the size too,
 * but not less than one processor or the maximum: a query that comes out of nothing does not first have
 * to wait until it is noticed. Where the host has no control groups nothing is limited, and the size is
 * the maximum.
 */
export class SizedCompute {
  readonly name: string
  readonly #groups: ControlGroups
  readonly #members = new Map<string, Member>()
  #bounds: SizeBounds
  #state: ScalerState
  #group: ControlGroup | undefined
  /** Changes of limits, one after another. */
  #changing: Promise<unknown> = Promise.resolve()

  constructor(name: string, bounds: SizeBounds, groups: ControlGroups) {
    this.name = name
    this.#bounds = bounds
    this.#groups = groups
    this.#state = startScaling(bounds)
  }

  /** The size in force. */
  get units(): number {
    return this.#isLimited ? this.#state.units : this.#bounds.max
  }

  get bounds(): SizeBounds {
    return this.#bounds
  }

  get memberIds(): string[] {
    return [...this.#members.keys()]
  }

  /** Between which sizes one of its endpoints counts; alike where the size is known. */
  get shareOfMember(): SizeRange {
    const awake = [...this.#members.values()].filter(({ state }) => state !== 'frozen').length
    const share = 1 / Math.max(1, awake)
    const { min, max } = this.#isLimited ? { min: this.units, max: this.units } : this.#bounds
    return { minComputeUnits: min * share, maxComputeUnits: max * share }
  }

  async setBounds(bounds: SizeBounds): Promise<void> {
    if (bounds.min === this.#bounds.min && bounds.max === this.#bounds.max) return
    await this.#change(() => {
      this.#bounds = bounds
      this.#state = withinBounds(this.#state, bounds)
    })
  }

  async join(occupant: Occupant): Promise<Place> {
    const member = await this.#change(async () => {
      this.#group ??= await this.#groups.compute(this.name)
      const group = await this.#group.member(occupant.endpointId)
      const made: Member = { occupant, group, state: 'starting' }
      this.#members.set(occupant.endpointId, made)
      return made
    })
    const { group } = member
    return {
      enter: (pid) => group.enter(pid),
      started: async () => this.#setState(member, 'running'),
      freeze: async () => {
        if (!(await group.freeze())) return false
        await this.#setState(member, 'frozen')
        return true
      },
      thaw: async () => group.thaw(),
      leave: async () => this.#leave(member),
    }
  }

  /** Looks at the load, and changes the size where that asks for it. */
  async sample(atMs: number): Promise<void> {
    const isUsed = [...this.#members.values()].some(({ state }) => state === 'running')
    const usage = isUsed ? this.#group?.usage() : undefined
    if (usage === undefined) return
    const next = scale(this.#state, usage, atMs, this.#bounds)
    if (next.units === this.#state.units) this.#state = next
    else await this.#change(() => void (this.#state = withinBounds(next, this.#bounds)))
  }

  get #isLimited(): boolean {
    return this.#groups.kind !== 'none'
  }

  async #setState(member: Member, state: Member['state']): Promise<void> {
    await this.#change(() => void (member.state = state))
  }

  async #leave(member: Member): Promise<void> {
    await this.#change(async () => {
      const { endpointId } = member.occupant
      if (this.#members.get(endpointId) !== member) return
      this.#members.delete(endpointId)
      await member.group.remove()
      if (this.#members.size > 0) return
      await this.#group?.remove()
      this.#group = undefined
      this.#state = startScaling(this.#bounds)
    })
  }

  /** Makes a change after those before it, and then what follows from it. */
  async #change<T>(change: () => T | Promise<T>): Promise<T> {
    const mine = this.#changing.then(async () => {
      const before = this.units
      for (const { occupant } of this.#members.values()) occupant.beforeChange()
      const result = await change()
      await this.#follow(before)
      return result
    })
    this.#changing = mine.catch(() => undefined)
    return mine
  }

  async #follow(before: number): Promise<void> {
    const members = [...this.#members.values()]
    if (members.length === 0) return
    if (!(await this.#limit())) {
      // The memory that its processes hold cannot be taken away: a later reading tries again.
      this.#state = { ...this.#state, units: Math.max(before, this.#bounds.min) }
    }
    for (const { occupant } of members) occupant.onChange()
  }

  async #limit(): Promise<boolean> {
    const { min, max } = this.#bounds
    const { units } = this.#state
    const isStarting = [...this.#members.values()].some(({ state }) => state === 'starting')
    const limits = {
      // A start, and the recovery of a crash, are the platform's work and not the user's.
      cpus: isStarting ? Math.max(1, max) : Math.max(units, Math.min(1, max)),
      memoryBytes: units * bytesPerUnit,
      // By what it was promised: one that has grown does not push others aside.
      weight: min,
    }
    return (await this.#group?.limit(limits)) ?? true
  }
}

const withinBounds = (state: ScalerState, { min, max }: SizeBounds): ScalerState => ({
  ...state,
  units: Math.min(Math.max(state.units, min), max),
})

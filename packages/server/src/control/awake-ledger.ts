/**
 * The ledger of why computes wake, sleep and stay awake. It listens to the host, which does not know the
 * store: what happens while the store is down is written down once it is back. How long a state has lasted
 * is computed from the rows themselves, so that it is right whatever has died in between.
 */
import type { AwakeEventKind, AwakeReason } from '@coppice/api'

import type { Compute, ComputeState } from '../compute/compute.ts'
import type { KeptAwake, StateChange } from '../compute/host.ts'
import type { Cause } from '../lib/cause.ts'
import { describeError } from '../lib/errors.ts'
import type { Service } from '../lib/service.ts'
import type { Context } from './context.ts'
import {
  insertComputeEvent,
  lastStateEvents,
  type NewComputeEvent,
  recordStay,
} from './store/compute-events.ts'

const retryMs = 5_000
/** What waits for a store that is down; the oldest goes first. */
const maxWaiting = 10_000
/** How often it is written down that the same still keeps a compute awake. */
const stayEveryMs = 60_000

type UpEvent = 'woke' | 'frozen'

export class AwakeLedger implements Service {
  readonly #context: Pick<Context, 'host' | 'store' | 'log'>
  /** Of each that is up, as it was noted last. */
  readonly #up = new Map<string, UpEvent>()
  /** When a stay was last noted, by endpoint and cause. */
  readonly #stays = new Map<string, Map<string, number>>()
  readonly #waiting: NewComputeEvent[] = []
  #stopListening: (() => void)[] = []
  #writing = Promise.resolve()
  #isWriting = false
  #retry: NodeJS.Timeout | undefined

  constructor(context: Pick<Context, 'host' | 'store' | 'log'>) {
    this.#context = context
  }

  /** Notes first what has changed while nobody listened. */
  async start(): Promise<void> {
    const { host, store } = this.#context
    const rows = await lastStateEvents(store)
    const last = new Map(rows.map(({ endpoint_id, event }) => [endpoint_id, event]))
    for (const compute of host.list()) {
      const { endpointId } = compute.spec
      const noted = last.get(endpointId) ?? 'slept'
      const event = eventOf(compute.state) ?? noted
      if (event === 'woke' || event === 'frozen') this.#up.set(endpointId, event)
      if (event === noted) continue
      const reason = event === 'slept' ? 'ended while the platform was down' : 'found running'
      this.#note(compute, event, { reason })
    }
    this.#stopListening = [
      host.onStateChange((change) => this.#onStateChange(change)),
      host.onKeptAwake((kept) => this.#onKeptAwake(kept)),
    ]
  }

  /** Resolves once what has happened is written down, where the store takes it. May be called twice. */
  async stop(): Promise<void> {
    for (const stop of this.#stopListening.splice(0)) stop()
    await this.flush()
    clearTimeout(this.#retry)
  }

  /** Resolves once nothing waits any more, or the store does not take it. */
  async flush(): Promise<void> {
    await this.#writing
    await this.#write()
  }

  #onStateChange({ endpointId, compute, state, at, cause }: StateChange): void {
    const known = cause ?? { reason: 'platform' }
    const event = eventOf(state)
    if (event === undefined || event === (this.#up.get(endpointId) ?? 'slept')) return
    if (event === 'slept') {
      this.#up.delete(endpointId)
      this.#note(compute, event, explainIdle(compute, known), at)
    } else {
      this.#up.set(endpointId, event)
      this.#note(compute, event, known, at)
    }
  }

  #onKeptAwake({ compute, reasons, at }: KeptAwake): void {
    const { endpointId } = compute.spec
    const stays = this.#stays.get(endpointId) ?? new Map<string, number>()
    this.#stays.set(endpointId, stays)
    for (const reason of reasons) {
      const cause = causeOf(reason)
      const key = JSON.stringify(cause)
      if (at.getTime() - (stays.get(key) ?? -Infinity) < stayEveryMs) continue
      stays.set(key, at.getTime())
      this.#note(compute, 'stayed_awake', cause, at)
    }
  }

  #note({ spec, usage }: Compute, event: AwakeEventKind, cause: Cause, at = new Date()): void {
    const { project_id, branch_id } = spec.labels
    // A look at the past is nobody's compute.
    if (project_id === undefined || branch_id === undefined) return
    if (event !== 'stayed_awake') this.#stays.delete(spec.endpointId)
    if (this.#waiting.length >= maxWaiting) this.#waiting.shift()
    this.#waiting.push({
      endpoint_id: spec.endpointId,
      project_id,
      branch_id,
      at,
      event,
      cause,
      run_compute_ms: event === 'slept' || event === 'frozen' ? usage.runComputeMs : null,
    })
    void this.#write()
  }

  /** One at a time, in order. Never rejects. */
  async #write(): Promise<void> {
    if (!this.#isWriting) this.#writing = this.#writeAll()
    return this.#writing
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    clearTimeout(this.#retry)
    const { store, log } = this.#context
    try {
      for (;;) {
        const [next] = this.#waiting
        if (next === undefined) return
        await (next.event === 'stayed_awake'
          ? recordStay(store, next)
          : insertComputeEvent(store, next))
        if (this.#waiting[0] === next) this.#waiting.shift()
      }
    } catch (error) {
      log.warn({ error: describeError(error) }, 'the ledger of computes is not written')
      this.#retry = setTimeout(() => void this.#write(), retryMs)
      this.#retry.unref()
    } finally {
      this.#isWriting = false
    }
  }
}

/** What it is to have come into a state; nothing for one on its way to sleep, which may be called back. */
function eventOf(state: ComputeState): UpEvent | 'slept' | undefined {
  if (state === 'active') return 'woke'
  if (state === 'frozen') return 'frozen'
  // One that starts without having slept has died.
  return state === 'suspending' ? undefined : 'slept'
}

function explainIdle({ spec }: Compute, cause: Cause): Cause {
  if (cause.reason !== 'idle') return cause
  return { ...cause, detail: `no activity for ${spec.suspendTimeoutSeconds} s` }
}

/** Without what is different each time. */
function causeOf(awake: AwakeReason): Cause {
  const { reason, role, database, application_name, client_address, slot_name } = awake
  const detail = awake.detail ?? (slot_name === undefined ? undefined : `slot ${slot_name}`)
  return {
    reason,
    ...(detail !== undefined && { detail }),
    ...(role !== undefined && { role }),
    ...(database !== undefined && { database }),
    ...(application_name !== undefined && { application_name }),
    ...(client_address !== undefined && { client_address }),
  }
}

import { totalmem } from 'node:os'

import { defaultCapacity } from '../compute/capacity.ts'
import type { HostCapacityLimits } from '../compute/host.ts'
import { AppError } from '../lib/errors.ts'
import type { SavedConfig } from '../lib/saved-config.ts'
import { parseSize } from '../volume/size.ts'

/** What of the machine computes may have, and how they sleep. */
export interface ComputeOptions {
  /** Whether sizes are enforced, where the host can. */
  areLimited: boolean
  /** Undefined for never. */
  freezeAfterMs: number | undefined
  capacity: HostCapacityLimits
  /** To be remembered: what flags have said, now or before. */
  saved: Pick<SavedConfig, 'limits' | 'freeze_after' | 'compute_memory' | 'max_awake'>
}

interface ComputeFlags {
  limits?: string | undefined
  'freeze-after'?: string | undefined
  'compute-memory'?: string | undefined
  'max-awake'?: string | undefined
}

const defaultFreezeAfter = '10'
const defaultMemory = '80%'

/** Less than the gateway needs to say that a session is used again. */
const leastFreezeSeconds = 2

/** `default` takes back what an earlier start was told. Rejects with AppError `invalid_request`. */
export function computeOptions(flags: ComputeFlags, saved: SavedConfig): ComputeOptions {
  const freezeAfter = remembered(flags['freeze-after'], saved.freeze_after)
  const memory = remembered(flags['compute-memory'], saved.compute_memory)
  const maxAwake = remembered(flags['max-awake'], saved.max_awake)
  const totalBytes = machineBytes()
  const memoryBytes = memoryOf(memory ?? defaultMemory, totalBytes)
  const capacity = { ...defaultCapacity(memoryBytes, totalBytes), memoryBytes }
  const limits = limitsOf(flags.limits) ?? saved.limits ?? 'auto'
  return {
    areLimited: limits === 'auto',
    freezeAfterMs: freezeOf(freezeAfter ?? defaultFreezeAfter),
    capacity: maxAwake === undefined ? capacity : { ...capacity, maxAwake: countOf(maxAwake) },
    saved: { limits, freeze_after: freezeAfter, compute_memory: memory, max_awake: maxAwake },
  }
}

function limitsOf(text: string | undefined): SavedConfig['limits'] {
  if (text === undefined || text === 'auto' || text === 'off') return text
  throw new AppError('invalid_request', `--limits ${text} is neither auto nor off`)
}

function remembered(flag: string | undefined, saved: string | undefined): string | undefined {
  return flag === 'default' ? undefined : (flag ?? saved)
}

/** What this process may use of it: a container has less than its machine. */
function machineBytes(): number {
  const constrained = process.constrainedMemory()
  const total = totalmem()
  return constrained > 0 ? Math.min(constrained, total) : total
}

function freezeOf(text: string): number | undefined {
  if (text === 'never') return undefined
  const seconds = Number(text)
  if (/^\d{1,6}$/.test(text) && seconds >= leastFreezeSeconds) return seconds * 1000
  throw new AppError(
    'invalid_request',
    `--freeze-after ${text} is neither seconds, ${leastFreezeSeconds} at least, nor never`,
  )
}

function memoryOf(text: string, totalBytes: number): number {
  const percent = /^(\d{1,3})%$/.exec(text)?.[1]
  if (percent === undefined) return parseSize(text)
  if (Number(percent) >= 1 && Number(percent) <= 100)
    return Math.floor((totalBytes * Number(percent)) / 100)
  throw new AppError('invalid_request', `--compute-memory ${text} is not from 1% to 100%`)
}

function countOf(text: string): number {
  if (/^\d{1,6}$/.test(text) && Number(text) >= 1) return Number(text)
  throw new AppError('invalid_request', `--max-awake ${text} is no number of computes from 1 up`)
}

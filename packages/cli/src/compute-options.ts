import { type Command, InvalidArgumentError, Option } from 'commander'

import { CliError } from './errors.ts'

/** The flags that size a compute. */
export interface SizeFlags {
  cu?: ComputeUnits
  autoscaleLimit?: number
}

/** The flags of an endpoint's compute. */
export interface ComputeFlags extends SizeFlags {
  suspendTimeout?: number
}

export interface ComputeUnits {
  min: number
  max: number
}

/** The smallest compute; what a range reaches down to when only its top is given. */
const smallestUnits = 0.25
const suspendTimeoutMaxSeconds = 604_800

/** Adds `--cu`, `--autoscale-limit` and `--suspend-timeout`. */
export function addComputeFlags(command: Command): Command {
  return addSizeFlags(command).addOption(
    new Option(
      '--suspend-timeout <seconds>',
      'Suspend after so long without activity: 0 for the default, -1 for never.',
    ).argParser(parseSuspendTimeout),
  )
}

/** Adds `--cu` and `--autoscale-limit`. */
export function addSizeFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--cu <size>', 'Compute units: a size (1) or a range (0.25-2).').argParser(
        parseComputeUnits,
      ),
    )
    .addOption(
      new Option('--autoscale-limit <cu>', 'Compute units at most; 0.25 at least.').argParser(
        parseUnits,
      ),
    )
}

/** The fields of an endpoint, or of a project's endpoint settings, that the flags ask for. */
export function computeFields(flags: ComputeFlags): {
  autoscaling_limit_min_cu?: number
  autoscaling_limit_max_cu?: number
  suspend_timeout_seconds?: number
} {
  return {
    ...sizeFields(flags),
    ...(flags.suspendTimeout !== undefined && { suspend_timeout_seconds: flags.suspendTimeout }),
  }
}

/** The fields of a size that the flags ask for. */
export function sizeFields(flags: SizeFlags): {
  autoscaling_limit_min_cu?: number
  autoscaling_limit_max_cu?: number
} {
  const units = unitsOf(flags)
  if (units === undefined) return {}
  return { autoscaling_limit_min_cu: units.min, autoscaling_limit_max_cu: units.max }
}

/** The flags of a compute that were given, by name. */
export function givenComputeFlags(flags: ComputeFlags): string[] {
  return [
    ...(flags.cu === undefined ? [] : ['--cu']),
    ...(flags.autoscaleLimit === undefined ? [] : ['--autoscale-limit']),
    ...(flags.suspendTimeout === undefined ? [] : ['--suspend-timeout']),
  ]
}

function unitsOf({ cu, autoscaleLimit }: SizeFlags): ComputeUnits | undefined {
  if (cu && autoscaleLimit !== undefined) {
    throw new CliError('--cu and --autoscale-limit say the same thing: give one of them.')
  }
  if (autoscaleLimit === undefined) return cu
  return { min: Math.min(smallestUnits, autoscaleLimit), max: autoscaleLimit }
}

function parseComputeUnits(text: string): ComputeUnits {
  const range = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(text)
  const [, low, high] = range ?? []
  if (low === undefined) throw new InvalidArgumentError('Give a size (1) or a range (0.25-2).')
  const min = parseUnits(low)
  const max = high === undefined ? min : parseUnits(high)
  if (min > max) throw new InvalidArgumentError('The range begins above its end.')
  return { min, max }
}

function parseUnits(text: string): number {
  const units = Number(text)
  if (text.trim() === '' || !(units >= smallestUnits)) {
    throw new InvalidArgumentError(`Give compute units from ${smallestUnits} up.`)
  }
  return units
}

function parseSuspendTimeout(text: string): number {
  const seconds = Number(text)
  const isValid = text.trim() !== '' && Number.isInteger(seconds) && seconds >= -1
  if (isValid && seconds <= suspendTimeoutMaxSeconds) return seconds
  throw new InvalidArgumentError(`Give seconds from -1 to ${suspendTimeoutMaxSeconds}.`)
}

/**
 * `coppice.wake=off`: a client, a health check for one, that neither wakes a compute nor keeps it awake. It
 * says so as a startup parameter, or in `options` as PostgreSQL's settings are given there.
 */
import { ClientError, sqlstates } from './errors.ts'

const parameter = 'coppice.wake'

export const isWakeParameter = (name: string): boolean => name.toLowerCase() === parameter

/** The value in a word of `options`, as `coppice.wake=off`, `-ccoppice.wake=off` or `--coppice.wake=off`. */
export function wakeOfWord(word: string): string | undefined {
  return /^(?:-c|--)?coppice\.wake=(.*)$/is.exec(word)?.[1]
}

/** Throws ClientError for a value that is neither on nor off. */
export function readsQuiet(parameters: ReadonlyMap<string, string>): boolean {
  const words = parameters.get('options')?.split(/\s+/) ?? []
  const given = [...parameters].find(([name]) => isWakeParameter(name))?.[1]
  return isOff(given ?? words.flatMap((word) => wakeOfWord(word) ?? []).at(-1))
}

/** Of a parameter or a header; one that is not there means on. Throws ClientError. */
export function isOff(value = 'on'): boolean {
  const folded = value.toLowerCase()
  if (folded === 'on' || folded === 'off') return folded === 'off'
  throw new ClientError(
    sqlstates.invalidParameterValue,
    `invalid value for parameter "${parameter}": "${value}"; it is on or off`,
  )
}

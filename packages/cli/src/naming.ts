import { CliError } from './errors.ts'

/** The one name that was given, as an argument or with `--name`. */
export function requireName(
  positional: string | undefined,
  flag: string | undefined,
  example: string,
): string {
  if (positional !== undefined && flag !== undefined && positional !== flag) {
    throw new CliError(`Two names are given: ${positional} and ${flag}.`)
  }
  const name = positional ?? flag
  if (!name)
    throw new CliError('The name is missing.', { advice: `For example: coppice ${example}` })
  return name
}

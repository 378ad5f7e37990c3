import { type Command, InvalidArgumentError, Option } from 'commander'

/** Settings of the pooler by name; null takes one away. */
export type PoolerChange = Record<string, string | null>

export interface PoolerFlags {
  pooler?: PoolerChange
}

/** Adds `--pooler`, which may be given several times. */
export function addPoolerFlag(command: Command): Command {
  return command.addOption(
    new Option(
      '--pooler <name=value>',
      'Setting of the pooler, as default_pool_size=50; no value takes it away. Repeatable.',
    ).argParser(parsePoolerSetting),
  )
}

function parsePoolerSetting(text: string, before: PoolerChange = {}): PoolerChange {
  const [, name, value] = /^\s*([a-z_]+)\s*=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('Give a name and a value: default_pool_size=50.')
  }
  return { ...before, [name]: value.trim() === '' ? null : value.trim() }
}

/** The session variables that a client asks for in its StartupMessage. */
import { ClientError, sqlstates } from '../errors.ts'

const notVariables = new Set(['user', 'database', 'replication', 'options'])
const protocolOptionPrefix = '_pq_.'

/** Settings that a session begins with or never has, so no SET can give them to one that is shared. */
const unsettable = new Set([
  'ignore_system_indexes',
  'jit_debugging_support',
  'jit_profiling_support',
  'log_connections',
  'log_disconnections',
  'post_auth_delay',
  'session_authorization',
])

/**
 * Variables by lower-case name, from parameters and from the settings in `options`; where both have one
 * the parameter counts, as in PostgreSQL (`process_startup_options`). Throws ClientError for what a pooled
 * session cannot be given.
 */
export function startupVariables(
  parameters: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const given = [...parameters].filter(
    ([name]) => !notVariables.has(name) && !name.startsWith(protocolOptionPrefix),
  )
  const variables = new Map<string, string>()
  for (const [name, value] of [...settingsIn(parameters.get('options')), ...given]) {
    variables.set(checkedName(name), value)
  }
  if (variables.get('role') === 'none') variables.delete('role')
  return variables
}

function checkedName(name: string): string {
  const folded = name.toLowerCase()
  if (!/^[a-z_][\w$.]*$/.test(folded) || unsettable.has(folded)) throw unsupported(name)
  return folded
}

/** `-c name=value`, `-cname=value` and `--name=value` (`process_postgres_switches`); nothing else is a setting. */
function settingsIn(options: string | undefined): [name: string, value: string][] {
  const words = optionWords(options)
  const settings: [name: string, value: string][] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const text = word === '-c' ? words[++at] : /^-[c-](.+)$/s.exec(word)?.[1]
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text ?? '') ?? []
    if (name === undefined || value === undefined) throw unsupported(`${word} in options`)
    settings.push([name.replaceAll('-', '_'), value])
  }
  return settings
}

/** Words between white space; a backslash takes the next character as it is (`pg_split_opts`). */
function optionWords(options = ''): string[] {
  const words = options.match(/(?:\\[^]|[^\s\\])+/g) ?? []
  return words.map((word) => word.replace(/\\([^])/g, '$1'))
}

/** In Neon's words. */
function unsupported(name: string): ClientError {
  return new ClientError(
    sqlstates.protocolViolation,
    `unsupported startup parameter: ${name}. Please use unpooled connection or remove this parameter from the startup package. ` +
      'More details: https://neon.tech/docs/connect/connection-errors#unsupported-startup-parameter',
  )
}

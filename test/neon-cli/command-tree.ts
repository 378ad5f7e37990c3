import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { repository } from '../platform.ts'

/** yargs' module form of a command, as the CLI declares its own. */
interface CommandModule {
  command: string | readonly string[]
  builder?: unknown
}

const modules = join(repository, 'test/clients/node_modules/neon/dist/commands/index.js')

/**
 * Every command of the installed CLI that runs something, e.g. `branches create`, in its own order. It is
 * asked by building its commands on a recorder in place of yargs; parsing forty help texts would take
 * half a minute.
 */
export async function listNeonCommands(): Promise<string[]> {
  const { default: commands } = (await import(pathToFileURL(modules).href)) as {
    default: readonly CommandModule[]
  }
  // yargs' own, and therefore nowhere in the modules.
  return [...commands.flatMap((command) => leaves([], command)), 'completion']
}

function leaves(parents: readonly string[], { command, builder }: CommandModule): string[] {
  const [pattern = ''] = typeof command === 'string' ? [command] : command
  const name = [...parents, pattern.split(' ')[0] ?? '']
  const found: string[] = []
  if (typeof builder === 'function') {
    builder(recorder((child) => found.push(...leaves(name, child))))
  }
  return found.length > 0 ? found : [name.join(' ')]
}

/** Answers every call of yargs' chain with itself, and tells of `.command(…)`. */
function recorder(onCommand: (command: CommandModule) => void): object {
  const chain: object = new Proxy(
    {},
    {
      get:
        (_, method) =>
        (first: CommandModule | string, _describe?: unknown, builder?: unknown): object => {
          if (method === 'command') {
            const isModule = typeof first === 'object' && 'command' in first
            onCommand(isModule ? first : { command: first as string, builder })
          }
          return chain
        },
    },
  )
  return chain
}

import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

import { quoteForShell } from './format.ts'

/** What a `post-checkout` hook is: with lines of ours, of somebody else, or not there. */
export type HookState = 'ours' | 'other' | 'none'

const begin =
  '# coppice git sync: made by `coppice git install`, removed by `coppice git uninstall`'
const end = '# coppice git sync: end'

export function hookState(file: string): HookState {
  if (!existsSync(file)) return 'none'
  return readFileSync(file, 'utf8').includes(begin) ? 'ours' : 'other'
}

/** Whether lines for `sh` can be put into a hook: it says so itself, or is read by one that runs it. */
export function takesLines(file: string): boolean {
  const [first = ''] = readFileSync(file, 'utf8').split('\n')
  return !first.startsWith('#!') || /^#!\s*\S*[/ ](?:ba|da|z|k)?sh(?:\s|$)/.test(first)
}

/**
 * Puts our lines into the hook, in the place of older ones of ours. They come first, since a hook may
 * end with `exec` or `exit`; what else is in it stays. `options` are of `git sync`.
 */
export async function installHook(file: string, options: readonly string[]): Promise<void> {
  const before = existsSync(file) ? withoutOurs(readFileSync(file, 'utf8')) : ''
  const [, first = '', rest = ''] = /^(#![^\n]*\n)?([^]*)$/.exec(before) ?? []
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${first || '#!/bin/sh\n'}${ourLines(options)}${rest}`)
  await chmod(file, 0o755)
}

/** Takes our lines out; a hook that has nothing else goes. */
export async function removeHook(file: string): Promise<void> {
  const rest = withoutOurs(readFileSync(file, 'utf8'))
  if (/^(?:#![^\n]*)?\s*$/.test(rest)) await rm(file, { force: true })
  else await writeFile(file, rest)
}

function withoutOurs(text: string): string {
  // As it was made before these lines had an end.
  if (text.startsWith(`#!/bin/sh\n${begin}`) && !text.includes(end)) return ''
  const [from, to] = [text.indexOf(begin), text.indexOf(`${end}\n`)]
  return from < 0 || to < from ? text : text.slice(0, from) + text.slice(to + end.length + 1)
}

/** The third argument is 1 where a branch was checked out, 0 for files (githooks(5)). */
function ourLines(options: readonly string[]): string {
  const command = ['coppice', 'git', 'sync', '--hook', '--quiet', ...options.map(quoteForShell)]
  return `${begin}
if [ "$3" = 1 ] && command -v coppice >/dev/null 2>&1; then
  ${command.join(' ')} || true
fi
${end}
`
}

import type { Command } from 'commander'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { addCommands, createProgram } from './program.ts'
import { type Bench, startBench } from './testing/cli.ts'
import { fuzzRuns } from './testing/fuzz-runs.ts'

/** Whatever stands on the command line is done or refused in a sentence, and no command falls over it. */
let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})
afterAll(async () => bench.stop())

/** What works on this machine rather than through the API. */
const local = new Set(
  (
    'up down serve status doctor pool gateway console logs psql ca git checkout link unlink env ' +
    'completion set-context init bootstrap archive backfill migrate inspect diff backup restore eject'
  ).split(' '),
)

interface Leaf {
  words: string[]
  command: Command
}

function leavesOf(command: Command, words: string[] = []): Leaf[] {
  return command.commands.flatMap((child) => {
    const path = [...words, child.name()]
    if (words.length === 0 && local.has(child.name())) return []
    return child.commands.length > 0 ? leavesOf(child, path) : [{ words: path, command: child }]
  })
}

const program = createProgram({ stdout: process.stdout, stderr: process.stderr })
// Nothing is run, so nothing is asked of the CLI.
addCommands(program, {} as Parameters<typeof addCommands>[1])
const leaves = leavesOf(program)

const plain = [
  '',
  ' ',
  '-',
  '--',
  '-1',
  '0',
  '1e999',
  'NaN',
  'null',
  'true',
  '2026-02-30',
  '@',
  '..',
]
const special = [`'; drop table x; --`, '"quoted"', '$(id)', '`id`', '%00', '\\', 'a\nb', 'key=']
const odd = ['Ünïcödé 🐘', '\u202eright', 'x'.repeat(300), '{"a":', '[]', '=value', 'a=b=c', '^']
const known = ['main', 'quiet-sea-00000001']

const values = fc.oneof(
  fc.constantFrom(...plain, ...special, ...odd, ...known),
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\0')),
)

const lines = fc.constantFrom(...leaves).chain(({ words, command }) =>
  fc
    .tuple(
      fc.array(values, { maxLength: 3 }),
      fc.subarray(
        command.options.map(({ long, short }) => String(long ?? short)),
        { maxLength: Math.min(4, command.options.length) },
      ),
      fc.array(values, { minLength: 4, maxLength: 4 }),
      fc.constantFrom('table', 'json', 'yaml'),
    )
    .map(([given, names, texts, output]) => [
      ...words,
      ...given,
      ...names.flatMap((name, index) => [`${name}=${texts[index]}`]),
      `--output=${output}`,
    ]),
)

test('there is much to be tried', () => {
  expect(leaves.length).toBeGreaterThan(60)
})

test('any arguments are done, or refused in a sentence', async () => {
  await fc.assert(
    fc.asyncProperty(lines, async (argv) => {
      const { code, stdout, stderr } = await bench.run(...argv)
      expect([0, 1]).toContain(code)
      expect(stdout + stderr).not.toMatch(
        /\n {4}at |TypeError|RangeError|undefined is not|\[object /,
      )
      expect(code === 0 || /^ERROR: \S/m.test(stderr)).toBe(true)
    }),
    { ...fuzzRuns(300), endOnFailure: true },
  )
}, 120_000)

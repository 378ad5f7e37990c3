import { type Command, Option } from 'commander'

import { CliError } from './errors.ts'

/** The flags that name the branch, as different people call it; the same for every command. */
export interface BranchFlags {
  branch?: string | undefined
  branchName?: string | undefined
  name?: string | undefined
  id?: string | undefined
}

/** `-b`, `--branch` and `--branch-name`, for commands that are not about a branch alone. */
export interface ShortBranchFlags {
  branch?: string
  branchName?: string
}

/** Adds them; `chooseShortBranch` reads them. */
export function addShortBranchFlags(command: Command): Command {
  return command
    .option(
      '-b, --branch <name|id>',
      'Branch (also --branch-name); the pinned or default one unless given.',
    )
    .addOption(new Option('--branch-name <name>', 'The same as --branch.').hideHelp())
}

/** The branch that they name. */
export function chooseShortBranch({ branch, branchName }: ShortBranchFlags): string | undefined {
  return chooseBranch({ flags: { branch, branchName } })
}

interface Naming {
  positional?: string | undefined
  flags: BranchFlags
}

/** `--branch` in the help and `--branch-name` beside it; Neon's habits are taken as well. */
export function addBranchFlags(command: Command, { takesName }: { takesName: boolean }): Command {
  command
    .option('--branch <name|id>', 'Branch, by name or id (also --branch-name).')
    .addOption(new Option('--branch-name <name>', 'The same as --branch.').hideHelp())
  // Where `--name` is the name of something else, it cannot be the branch.
  if (!takesName) return command
  return command
    .addOption(new Option('--name <name>', 'The same as --branch.').hideHelp())
    .addOption(new Option('--id <id>', 'The same as --branch.').hideHelp())
}

/**
 * The one branch that the user named, or undefined. An empty name is refused: it is an unset
 * variable in a script, and must not become the default branch.
 */
export function chooseBranch({ positional, flags }: Naming): string | undefined {
  const given = [positional, flags.branch, flags.branchName, flags.name, flags.id].filter(
    (name) => name !== undefined,
  )
  const [first, other] = new Set(given)
  if (other !== undefined) throw new CliError(`Two branches are named: ${first} and ${other}.`)
  if (first === '') throw new CliError('The name of the branch is empty.')
  return first
}

/** The same, where there must be one. */
export function requireBranch(naming: Naming, example: string): string {
  const name = chooseBranch(naming)
  if (name !== undefined) return name
  throw new CliError('Which branch?', { advice: `For example: coppice ${example}` })
}

import type { Command } from 'commander'

/** Adds examples to the end of a command's help: the command line and what it is for. */
export function addExamples(
  command: Command,
  examples: ReadonlyArray<readonly [line: string, purpose: string]>,
): Command {
  const lines = examples.map(([line, purpose]) => `  # ${purpose}\n  coppice ${line}`)
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}

/** `coppice branches create`. */
export function fullName(command: Command): string {
  const parent = command.parent
  return parent ? `${fullName(parent)} ${command.name()}` : command.name()
}

/** Tells, below every error of usage, where the help for that very command is. */
export function pointToHelp(command: Command): void {
  command.showHelpAfterError(`Run \`${fullName(command)} --help\` to see how it is used.`)
  for (const child of command.commands) pointToHelp(child)
}

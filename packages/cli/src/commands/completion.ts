import { type Command, Argument } from 'commander'

import type { Cli } from '../cli.ts'
import { addExamples } from '../help.ts'

/** `completion`: a script for the shell, made from the commands themselves. */
export function addCompletion(program: Command, cli: Cli): void {
  const command = program
    .command('completion')
    .description('Print a script that completes commands and options in the shell.')
    .addArgument(
      new Argument('[shell]', 'Which shell: bash or zsh.').choices(['bash', 'zsh']).default('bash'),
    )
  addExamples(command, [
    ['completion bash >> ~/.bashrc', 'Bash'],
    ['completion zsh >> ~/.zshrc', 'Zsh'],
  ]).action((shell: 'bash' | 'zsh') => {
    const script = completionScript(program)
    // Zsh understands completions of Bash once told to.
    const prelude = shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''
    cli.output.line(prelude + script)
  })
}

function completionScript(program: Command): string {
  const cases = casesOf(program, '').map(
    ([path, words]) => `    '${path}') words='${words.join(' ')}' ;;`,
  )
  return `_coppice() {
  local path='' word words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == -* ]] || path="$path $word"
  done
  case "\${path# }" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _coppice coppice neon`
}

/** For each command, what can follow it: its commands and its options. */
function casesOf(command: Command, path: string): Array<[path: string, words: string[]]> {
  const help = command.createHelp()
  const names = help.visibleCommands(command).flatMap((child) => [child.name(), ...child.aliases()])
  const flags = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)]
    .map((option) => option.long)
    .filter((flag) => flag !== undefined && flag !== null)
  const own: [string, string[]] = [path, [...names, ...flags]]
  const children = command.commands.flatMap((child) =>
    [child.name(), ...child.aliases()].flatMap((name) =>
      casesOf(child, path === '' ? name : `${path} ${name}`),
    ),
  )
  return [own, ...children]
}

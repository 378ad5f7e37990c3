import type { Cli } from './cli.ts'
import { CliError } from './errors.ts'

interface Choice {
  question: string
  among: ReadonlyArray<{ id: string; name: string }>
  /** What to do where nobody can be asked. */
  advice: string
  /** Do not ask, whoever is there. */
  never?: boolean | undefined
}

/** Lets a person choose one of several; rejects with the list where nobody can be asked. */
export async function choose(cli: Cli, choice: Choice): Promise<string> {
  const { question, among, advice, never } = choice
  if (never || !cli.output.isInteractive) {
    const lines = among.slice(0, shownMax).map(({ id, name }) => `  ${id}  ${name}`)
    throw new CliError(question, { advice: `${lines.join('\n')}\n${advice}` })
  }
  const { isCancel, select } = await import('@clack/prompts')
  const answer = await select({
    message: question,
    options: among.map(({ id, name }) => ({ value: id, label: name, hint: id })),
    output: cli.output.stderr,
  })
  if (isCancel(answer)) throw new CliError('Nothing was changed.')
  return answer
}

/** Enough to know what is meant. */
const shownMax = 20

/** A yes of the person in front; false where there is nobody to give it. */
export async function confirmed(cli: Cli, question: string): Promise<boolean> {
  if (!cli.output.isInteractive) return false
  const { confirm } = await import('@clack/prompts')
  const answer = await confirm({
    message: question,
    initialValue: false,
    output: cli.output.stderr,
  })
  return answer === true
}

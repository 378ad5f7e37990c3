import {
  type AnswerRenames,
  findRenames,
  lastName,
  type RenameFlags,
  UnansweredRenamesError,
} from '@coppice/migrate/merge/renames'
import { describeName } from '@coppice/migrate/merge/schema-object'

import { choose } from '../choose.ts'
import type { Cli } from '../cli.ts'

const droppedId = '-'

/** What was renamed: by the flags, else by a person; it is never guessed. */
export function askRenames(cli: Cli, flags: RenameFlags): AnswerRenames {
  return async (base, branch, parent) => {
    const { renames, questions } = findRenames(base, branch, parent, flags)
    if (questions.length === 0) return renames
    if (!cli.output.isInteractive) throw new UnansweredRenamesError(questions)
    for (const { dropped, candidates } of questions) {
      const open = candidates.filter((candidate) => !renames.some(({ to }) => to === candidate))
      if (open.length === 0) continue
      const name = describeName(dropped.key)
      const answer = await choose(cli, {
        question: `What has become of ${dropped.kind} ${name}?`,
        among: [
          ...open.map((to) => ({ id: to.key, name: `It is called ${lastName(to)} now.` })),
          { id: droppedId, name: 'It was dropped, with what was in it.' },
        ],
        advice: `Say so with --rename ${name}=… or --drop ${name}.`,
      })
      const to = open.find(({ key }) => key === answer)
      if (to) renames.push({ from: dropped, to })
    }
    return renames
  }
}

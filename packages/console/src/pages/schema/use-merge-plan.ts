import type { Branch, MergePlanLine } from '@coppice/api'
import { useState } from 'react'

import { api } from '../../api/client.ts'
import { useWork, type Work } from '../../migrations/use-work.ts'
import { type Answers, noAnswers } from './RenameQuestions.tsx'

interface Merged {
  branch: Branch
  /** What is to become as the branch is. */
  into: Branch
  database: string
}

export interface MergePlanning {
  work: Work<Extract<MergePlanLine, { type: 'result' }>>
  /** From the beginning, with nothing answered. */
  begin: () => void
  /** Once more, with what was asked answered besides. */
  answer: (said: Answers) => void
}

/** The plan of a merge, as it is worked out and asked about. */
export function useMergePlan({ branch, into, database }: Merged): MergePlanning {
  const { id: branch_id, project_id } = branch
  const [answers, setAnswers] = useState<Answers>(noAnswers)
  const work: MergePlanning['work'] = useWork()
  const start = (said: Answers): void => {
    setAnswers(said)
    work.start(async (signal) =>
      api.planSchemaMerge({
        path: { project_id, branch_id },
        body: { db_name: database, into_branch_id: into.id, ...said },
        signal,
      }),
    )
  }
  return {
    work,
    begin: () => start(noAnswers),
    answer: (said) =>
      start({
        renames: [...answers.renames, ...said.renames],
        drops: [...answers.drops, ...said.drops],
      }),
  }
}

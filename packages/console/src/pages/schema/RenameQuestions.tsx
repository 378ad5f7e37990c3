import type { RenameQuestion } from '@coppice/api'
import { Button, Group, Radio, Stack, Text } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'

/** What has been said about renames, as the API takes it. */
export interface Answers {
  renames: { from: string; to: string }[]
  drops: string[]
}

export const noAnswers: Answers = { renames: [], drops: [] }

interface RenameQuestionsProps {
  questions: readonly RenameQuestion[]
  onAnswer: (answers: Answers) => void
}

/** Names a candidate: no name begins so. */
const renamedTo = 'to '
const dropped = 'dropped'

/** A schema does not say whether something was renamed, or dropped and another made: a person does. */
export function RenameQuestions({ questions, onAnswer }: RenameQuestionsProps): ReactNode {
  const [chosen, setChosen] = useState<ReadonlyMap<string, string>>(new Map())
  const isTaken = (by: string, candidate: string): boolean =>
    [...chosen].some(([name, answer]) => name !== by && answer === `${renamedTo}${candidate}`)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const answers: Answers = { renames: [], drops: [] }
    for (const { name } of questions) {
      const answer = chosen.get(name) ?? dropped
      if (answer === dropped) answers.drops.push(name)
      else answers.renames.push({ from: name, to: answer.slice(renamedTo.length) })
    }
    onAnswer(answers)
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text size="sm">
          Something went and something like it came. Was it renamed? A wrong answer drops data.
        </Text>
        {questions.map(({ kind, name, candidates }) => (
          <Radio.Group
            key={name}
            label={`What has become of ${kind} ${name}?`}
            value={chosen.get(name) ?? null}
            onChange={(value) => setChosen(new Map([...chosen, [name, value]]))}
          >
            <Stack gap={8} mt={8}>
              {candidates.map((candidate) => (
                <Radio
                  key={candidate}
                  value={`${renamedTo}${candidate}`}
                  label={`It is called ${candidate} now`}
                  // What has become of one thing is not what another has become.
                  disabled={isTaken(name, candidate)}
                />
              ))}
              <Radio value={dropped} label="It was dropped, with what was in it" />
            </Stack>
          </Radio.Group>
        ))}
        <Group>
          <Button type="submit" disabled={questions.some(({ name }) => !chosen.has(name))}>
            Go on
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

import { Alert, Button, Group, Stack } from '@mantine/core'
import type { FormEvent, ReactNode } from 'react'

import { describeFailure } from '../../api/use-action.ts'
import { Panel } from '../../ui/Panel.tsx'

interface SettingsFormProps {
  title: string
  description?: string
  onSubmit: (form: FormData) => void
  isRunning: boolean
  error: Error | null
  children: ReactNode
}

/** One panel of settings that are saved together. */
export function SettingsForm(props: SettingsFormProps): ReactNode {
  const { title, description, onSubmit, isRunning, error, children } = props
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    onSubmit(new FormData(event.currentTarget))
  }
  return (
    <Panel title={title} description={description}>
      <form onSubmit={submit}>
        <Stack gap="md" maw={560}>
          {children}
          {error && (
            <Alert color="red" role="alert">
              {describeFailure(error)}
            </Alert>
          )}
          <Group>
            <Button type="submit" loading={isRunning}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Panel>
  )
}

import { Alert, Button, Group, Modal, Stack } from '@mantine/core'
import type { FormEvent, ReactNode } from 'react'

import { describeFailure } from '../api/use-action.ts'

interface FormModalProps {
  title: string
  /** On the button. */
  verb: string
  onClose: () => void
  onSubmit: (form: FormData) => void
  isRunning: boolean
  error: Error | null
  children: ReactNode
}

/** A small form in a modal: its failure stands in it, and it stays open until it is told to close. */
export function FormModal(props: FormModalProps): ReactNode {
  const { title, verb, onClose, onSubmit, isRunning, error, children } = props
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    onSubmit(new FormData(event.currentTarget))
  }
  return (
    <Modal opened onClose={onClose} title={title}>
      <form onSubmit={submit}>
        <Stack gap="md">
          {children}
          {error && (
            <Alert color="red" role="alert">
              {describeFailure(error)}
            </Alert>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={isRunning}>
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

import { Alert, Button, Code, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { IconHistory, IconTrashX } from '@tabler/icons-react'
import { type FormEvent, type ReactNode, useState } from 'react'

interface ConfirmByNameProps {
  opened: boolean
  onClose: () => void
  /** `Delete branch`; also on the button. */
  verb: string
  /** In the place of the verb and the name. */
  title?: string
  /** What has to be typed. */
  name: string
  /** What happens. */
  children: ReactNode
  /** What can be brought back, how, and until when; undefined where nothing can. */
  recovery: ReactNode | undefined
  isRunning: boolean
  onConfirm: () => void
}

/**
 * Asks for the name of what will be gone, and says what can be had back and until when. Closes itself
 * only when told to: the caller does when it is done.
 */
export function ConfirmByName(props: ConfirmByNameProps): ReactNode {
  const { opened, onClose, verb, name, title = `${verb} ${name}?` } = props
  return (
    <Modal opened={opened} onClose={onClose} title={title}>
      {/* A form that is opened anew begins empty. */}
      {opened && <ConfirmForm {...props} />}
    </Modal>
  )
}

function ConfirmForm(props: ConfirmByNameProps): ReactNode {
  const { verb, name, children, recovery, isRunning, onConfirm, onClose } = props
  const [typed, setTyped] = useState('')
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (typed === name) onConfirm()
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text size="sm" component="div">
          {children}
        </Text>
        {recovery === undefined ? (
          <Alert color="red" variant="light" icon={<IconTrashX size={18} />} title="This is final">
            Nothing of it can be brought back.
          </Alert>
        ) : (
          <Alert
            color="leaf"
            variant="light"
            icon={<IconHistory size={18} />}
            title="What can be brought back"
          >
            {recovery}
          </Alert>
        )}
        <TextInput
          label={
            <>
              Type <Code>{name}</Code> to confirm
            </>
          }
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Keep it
          </Button>
          <Button type="submit" color="red" loading={isRunning} disabled={typed !== name}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

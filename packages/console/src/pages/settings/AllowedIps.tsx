import { Checkbox, Code, Switch, Text, Textarea } from '@mantine/core'
import type { ReactNode } from 'react'

import { formText } from '../../ui/form-text.ts'
import { SettingsForm } from './SettingsForm.tsx'
import type { SettingsSectionProps } from './SettingsPage.tsx'
import { useSaveProject } from './use-save-project.ts'

/** From where clients may connect to the databases. */
export function AllowedIps({ project }: SettingsSectionProps): ReactNode {
  const { allowed_ips, block_public_connections } = project.settings
  const save = useSaveProject(project.id)
  const submit = (form: FormData): void =>
    save.mutate({
      settings: {
        allowed_ips: {
          ips: formText(form, 'ips')
            .split(/[\s,]+/)
            .filter((entry) => entry !== ''),
          protected_branches_only: form.has('protected_only'),
        },
        block_public_connections: form.has('block_public'),
      },
    })
  return (
    <SettingsForm
      title="IP allow list"
      description="For connections to databases; the console and the API are not meant."
      onSubmit={submit}
      isRunning={save.isPending}
      error={save.error}
    >
      <Textarea
        name="ips"
        label="Addresses"
        description={
          <>
            One on each line: an address, a block such as <Code>10.0.0.0/8</Code>, a range such as{' '}
            <Code>10.0.0.1-10.0.0.9</Code>. Without any, clients may connect from anywhere.
          </>
        }
        defaultValue={(allowed_ips?.ips ?? []).join('\n')}
        autosize
        minRows={4}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      />
      <Checkbox
        name="protected_only"
        label="For protected branches only"
        defaultChecked={allowed_ips?.protected_branches_only ?? false}
      />
      <Switch
        name="block_public"
        label="Only clients on this machine"
        description="Whatever the list says."
        defaultChecked={block_public_connections ?? false}
      />
      <Text size="sm" c="var(--faint)">
        It holds for new connections from the moment it is saved; open ones stay.
      </Text>
    </SettingsForm>
  )
}

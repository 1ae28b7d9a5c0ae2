import { CfnParameter, Fn, Validations } from 'aws-cdk-lib'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import { Construct } from 'constructs'
import { canonical, ubuntu } from './image.ts'
import type { Settings } from './settings.ts'

/** Root disk in GiB: the system, 1 of swap, and two builds. */
const rootGiB = 10
const anywhere = '0.0.0.0/0'

export interface MachineProps
  extends Pick<Settings, 'instanceType' | 'ami' | 'environment' | 'port' | 'instanceProfile' | 'ssh' | 'dataVolume'> {
  /** Plain text. Another text restarts the machine and does not replace it. */
  userData: string
}

/**
 * A machine in the default VPC, with an address that stays and only the public port open.
 *
 * It is made of plain CloudFormation resources. The higher-level `Instance` makes a role, and looks the default VPC up
 * with credentials; an instance and a security group that name no network are in the default VPC anyway.
 */
export class Machine extends Construct {
  readonly instance: ec2.CfnInstance
  readonly address: ec2.CfnEIP

  constructor(scope: Construct, id: string, props: MachineProps) {
    super(scope, id)
    if (new ec2.InstanceType(props.instanceType).architecture !== ec2.InstanceArchitecture.X86_64) {
      throw new Error(`instanceType must be x86, which Node is installed for, got ${props.instanceType}`)
    }
    this.instance = new ec2.CfnInstance(this, 'Instance', {
      imageId: props.ami ?? this.#image(props.environment !== null),
      instanceType: props.instanceType,
      securityGroupIds: [this.#securityGroup(props).attrGroupId],
      userData: Fn.base64(props.userData),
      // A burst of work must slow the machine down, not cost money.
      creditSpecification: { cpuCredits: 'standard' },
      // Session tokens only, and none for a process that is more than one hop away.
      metadataOptions: { httpEndpoint: 'enabled', httpTokens: 'required', httpPutResponseHopLimit: 1 },
      blockDeviceMappings: [
        {
          deviceName: '/dev/sda1',
          ebs: { volumeType: 'gp3', volumeSize: rootGiB, encrypted: true, deleteOnTermination: true },
        },
      ],
      ...(props.instanceProfile === null ? {} : { iamInstanceProfile: props.instanceProfile }),
      ...(props.ssh === null ? {} : { keyName: props.ssh.keyPair }),
      ...(props.dataVolume === null ? {} : { availabilityZone: props.dataVolume.zone }),
    })
    Validations.of(this.instance).acknowledge(
      { id: 'CloudFormation-Validate::W9010', reason: 'an image that changed by itself would be another machine' },
      { id: 'CloudFormation-Validate::W3010', reason: 'the zone is that of a volume that is there already' },
    )
    this.address = new ec2.CfnEIP(this, 'Address', { domain: 'vpc', instanceId: this.instance.ref })
  }

  /** In comes only who wants the public port, and ssh when it was asked for. */
  #securityGroup({ port, ssh }: MachineProps): ec2.CfnSecurityGroup {
    const tcp = (port: number, cidrIp: string, description: string) => {
      return { ipProtocol: 'tcp', fromPort: port, toPort: port, cidrIp, description }
    }
    return new ec2.CfnSecurityGroup(this, 'SecurityGroup', {
      groupDescription: 'Bazaar: the public port, and nothing else',
      securityGroupIngress: [
        tcp(port, anywhere, 'The shop'),
        ...(ssh === null ? [] : [tcp(22, ssh.from, 'ssh for its owner')]),
      ],
    })
  }

  /**
   * The newest Ubuntu 24.04 when it was first asked for: the CDK keeps the answer in cdk.context.json, for another image
   * would mean another machine. Without an account there is nobody to ask; then the image is a parameter of the template.
   */
  #image(hasAccount: boolean): string {
    if (!hasAccount) {
      const description = 'Ubuntu 24.04 for amd64; looked up when there are credentials'
      return new CfnParameter(this, 'Image', { type: 'AWS::EC2::Image::Id', description }).valueAsString
    }
    return ec2.MachineImage.lookup({ name: ubuntu, owners: [canonical] }).getImage(this).imageId
  }
}

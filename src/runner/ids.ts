/** Matches the name of an AWS region: `us-east-1`, `us-gov-west-1`, `eusc-de-east-1` (AWS: "AWS Regions"). */
export const REGION = /^[a-z]{2,5}(-[a-z]+)+-\d{1,2}$/

/** Matches the id of an AMI: 8 hex digits in old accounts, 17 since 2016 (AWS: "Amazon EC2 resource IDs"). */
export const IMAGE_ID = /^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$/

/** The id of an image, and the region that it is in. */
export interface RegionalImageId {
  readonly region: string
  readonly id: string
}

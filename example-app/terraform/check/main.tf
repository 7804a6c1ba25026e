# Has the same variable as the module above and launches nothing: it needs no provider, no state bucket and no AWS account.
# It shows that Terraform gets the ID: a new ID replaces the stand-in, the same ID changes nothing.

terraform {
  required_version = ">= 1.4"
}

variable "ami_id" {
  description = "The image to run: TF_VAR_ami_id, or -var-file=.ami_id.json."
  type        = string

  validation {
    condition     = can(regex("^ami-[0-9a-f]+$", var.ami_id))
    error_message = "ami_id must be the id of an AMI, like ami-0123456789abcdef0."
  }
}

resource "terraform_data" "instance" {
  triggers_replace = var.ami_id
  input            = var.ami_id
}

output "ami_id" {
  value = terraform_data.instance.output
}

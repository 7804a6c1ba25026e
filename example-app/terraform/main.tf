terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }

  # State has to live where the next run finds it: bucket, key and region come from `terraform init -backend-config=…`.
  backend "s3" {
    use_lockfile = true
  }
}

variable "ami_id" {
  description = "The image to run: TF_VAR_ami_id from the step output `ami_id`, or -var-file=.ami_id.json."
  type        = string

  validation {
    condition     = can(regex("^ami-[0-9a-f]+$", var.ami_id))
    error_message = "ami_id must be the id of an AMI, like ami-0123456789abcdef0."
  }
}

resource "aws_launch_template" "hello" {
  name_prefix            = "hello-"
  image_id               = var.ami_id
  instance_type          = "t3.micro"
  update_default_version = true

  metadata_options {
    http_tokens = "required"
  }
}

resource "aws_instance" "hello" {
  launch_template {
    id      = aws_launch_template.hello.id
    version = aws_launch_template.hello.latest_version
  }

  tags = {
    Name = "hello"
  }
}

output "ami_id" {
  value = aws_launch_template.hello.image_id
}

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }

  # The next run needs the state. Bucket and key come from `terraform init -backend-config=…`.
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

# A new image replaces the instance; after a hit nothing changes.
resource "aws_instance" "hello" {
  ami           = var.ami_id
  instance_type = "t3.micro"

  metadata_options {
    http_tokens = "required"
  }

  lifecycle {
    create_before_destroy = true
  }

  tags = {
    Name = "hello"
  }
}

output "ami_id" {
  value = aws_instance.hello.ami
}

packer {
  required_version = ">= 1.7.0"

  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.3.0"
    }
  }
}

# The action passes these two, because the template declares them. It also tags the image with the checksum.
variable "aws_region" {
  type = string
}

variable "aws_subnet_id" {
  type    = string
  default = null
}

# The SSH address of the temporary instance, if it isn't its own address and port 22. Set by PKR_VAR_ssh_host and PKR_VAR_ssh_port.
variable "ssh_host" {
  type    = string
  default = null
}

variable "ssh_port" {
  type    = number
  default = null
}

locals {
  # The time is for people; the rest makes the name unique, as EC2 requires.
  ami_name = "hello-${formatdate("YYYY-MM-DD-hhmmss", timestamp())}-${substr(uuidv4(), 0, 8)}"
}

source "amazon-ebs" "hello" {
  region        = var.aws_region
  subnet_id     = var.aws_subnet_id
  instance_type = "t3.micro"

  source_ami_filter {
    owners      = ["amazon"]
    most_recent = true
    filters = {
      name                = "al2023-ami-2023.*-kernel-6.12-x86_64"
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }

  ssh_username = "ec2-user"
  ssh_host     = var.ssh_host
  ssh_port     = var.ssh_port

  ami_name        = local.ami_name
  ami_description = "hello web service"
  tags = {
    Name     = local.ami_name
    app      = "hello"
    base_ami = "{{ .SourceAMIName }}"
  }
}

build {
  sources = ["source.amazon-ebs.hello"]

  provisioner "file" {
    source      = "${path.root}/hello"
    destination = "/tmp"
  }

  provisioner "shell" {
    script = "${path.root}/install.sh"
  }
}

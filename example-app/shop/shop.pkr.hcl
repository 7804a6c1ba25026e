packer {
  required_version = ">= 1.7.0"

  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.3.0"
    }
  }
}

# The action passes these, because the template declares them. base_ami is the image of the parent in ami-bakery.yml.
variable "aws_region" {
  type = string
}

variable "base_ami" {
  type = string
}

variable "ssh_host" {
  type    = string
  default = null
}

variable "ssh_port" {
  type    = number
  default = null
}

source "amazon-ebs" "shop" {
  region        = var.aws_region
  source_ami    = var.base_ami
  instance_type = "t3.micro"
  ssh_username  = "ec2-user"
  ssh_host      = var.ssh_host
  ssh_port      = var.ssh_port
  ami_name      = "shop-${formatdate("YYYY-MM-DD-hhmmss", timestamp())}-${substr(uuidv4(), 0, 8)}"
}

build {
  sources = ["source.amazon-ebs.shop"]

  provisioner "file" {
    source      = "${path.root}/shop.html"
    destination = "/tmp/shop.html"
  }

  provisioner "shell" {
    inline = ["sudo install -m 644 /tmp/shop.html /srv/hello/shop.html"]
  }
}

//! What the cloud said, once, with its gaps.
//!
//! Rows carry AWS's own names and shapes (`PascalCase`, as in `aws ... describe-*` output), so that
//! a saved answer and a live one become the same snapshot, and anyone who knows the API can read it.
//! Every list is sorted by id and the file has no field that changes between two reads of an
//! unchanged account but `taken_at`.

mod account;
mod balancer;
mod call;
mod compute;
mod gateway;
mod group;
mod interface;
mod network;
mod order;
mod owner;
mod tag;
mod template;
mod traffic;
mod transit;
mod volume;

pub use account::{RegionView, Snapshot};
pub use balancer::{
    Action, Balancer, BalancerAddress, BalancerZone, Listener, Target, TargetGroup, TargetHealth,
};
pub use call::{Call, CallKind, Outcome, UNKNOWN_ACCOUNT};
pub use compute::{
    AutoScalingGroup, AutoScalingInstance, DbEndpoint, DbInstance, DbSecurityGroup, DbSubnet,
    DbSubnetGroup, Instance, InstanceState,
};
pub use gateway::{
    Address, EgressOnlyInternetGateway, GatewayAttachment, InternetGateway, NatGateway,
    NatGatewayAddress, PeeringStatus, PeeringVpc, VpcEndpoint, VpcPeering, VpnConnection,
    VpnTunnel,
};
pub use group::{
    GroupPair, IpPermission, IpRange, Ipv6Range, PrefixListEntry, PrefixListRef, SecurityGroup,
};
pub use interface::{Association, Attachment, GroupRef, Interface, InterfaceIpv6, PrivateAddress};
pub use network::{
    Acl, AclAssociation, AclEntry, AclPortRange, BpaExclusion, BpaOptions, CidrAssociation,
    CidrState, IcmpTypeCode, Ipv6CidrAssociation, PrefixList, Route, RouteTable,
    RouteTableAssociation, Subnet, Vpc,
};
pub use owner::owners;
pub use tag::Tag;
pub use template::{
    LaunchConfiguration, LaunchTemplate, LaunchTemplateData, LaunchTemplateInterface,
    LaunchTemplateVersion,
};
pub use traffic::{Traffic, TrafficDay};
pub use transit::{
    TransitGateway, TransitGatewayAttachment, TransitGatewayOptions, TransitGatewayRoute,
    TransitGatewayRouteAttachment, TransitGatewayRouteTable,
};
pub use volume::{BlockDevice, EbsDevice, Volume, VolumeAttachment};

/// The format tag of a snapshot file.
pub const FORMAT: &str = "portcullis/snapshot/v1";
